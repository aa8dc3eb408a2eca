// SPDX-License-Identifier: Apache-2.0
#include "models/features/input_size.h"

#include <algorithm>
#include <cmath>

namespace assay::models {
namespace {

constexpr int64_t kMaxElongation = 8;  // a 1 x 20000 strip must not become a 32 x 500000 input

int64_t round_to_multiple(double side, int64_t multiple, int64_t most) {
  const int64_t rounded = static_cast<int64_t>(std::floor(side / static_cast<double>(multiple) + 0.5)) * multiple;
  return std::clamp(rounded, multiple, std::max(multiple, most / multiple * multiple));
}

}  // namespace

InputSize input_size(int64_t width, int64_t height, const InputSizeRule& rule) {
  ASSAY_CHECK(width >= 1 && height >= 1, "input_size: an image of ", width, " x ", height, " px");
  ASSAY_CHECK(rule.multiple >= 1, "input_size: sides of multiples of ", rule.multiple);
  const double side = static_cast<double>(rule.image_size);
  const int64_t most = kMaxElongation * rule.image_size;
  if (rule.fit == InputSizeRule::Fit::kStretch) {
    return {round_to_multiple(side, rule.multiple, most), round_to_multiple(side, rule.multiple, most)};
  }
  const double factor = side / std::sqrt(static_cast<double>(width) * static_cast<double>(height));
  return {round_to_multiple(static_cast<double>(height) * factor, rule.multiple, most),
          round_to_multiple(static_cast<double>(width) * factor, rule.multiple, most)};
}

Result<InputSizeRule::Fit> fit_from_name(const std::string& name) {
  if (name == "keep-aspect") return InputSizeRule::Fit::kKeepAspect;
  if (name == "stretch") return InputSizeRule::Fit::kStretch;
  return Status::error("fit '", name, "': expected keep-aspect or stretch");
}

const char* fit_name(InputSizeRule::Fit fit) {
  return fit == InputSizeRule::Fit::kKeepAspect ? "keep-aspect" : "stretch";
}

}  // namespace assay::models
