// SPDX-License-Identifier: Apache-2.0
#include "models/features/input_size.h"

#include <algorithm>
#include <cmath>

namespace assay::models {
namespace {

constexpr int64_t kMultiple = 32;      // the largest stride of a level
constexpr int64_t kMaxElongation = 8;  // a 1 x 20000 strip must not become a 32 x 500000 input

int64_t round_to_multiple(double side, int64_t most) {
  const int64_t rounded = static_cast<int64_t>(std::floor(side / kMultiple + 0.5)) * kMultiple;
  return std::clamp(rounded, kMultiple, std::max(kMultiple, most / kMultiple * kMultiple));
}

}  // namespace

InputSize input_size(int64_t width, int64_t height, const InputSizeRule& rule) {
  ASSAY_CHECK(width >= 1 && height >= 1, "input_size: an image of ", width, " x ", height, " px");
  const double side = static_cast<double>(rule.image_size);
  const int64_t most = kMaxElongation * rule.image_size;
  if (rule.fit == InputSizeRule::Fit::kStretch) return {round_to_multiple(side, most), round_to_multiple(side, most)};
  const double factor = side / std::sqrt(static_cast<double>(width) * static_cast<double>(height));
  return {round_to_multiple(static_cast<double>(height) * factor, most),
          round_to_multiple(static_cast<double>(width) * factor, most)};
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
