// SPDX-License-Identifier: Apache-2.0
// The size to which an image is scaled before the backbone sees it.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/base/status.h"

namespace assay::models {

struct InputSizeRule {
  enum class Fit {
    kKeepAspect,  // about image_size^2 pixels in the image's own proportions: a scratch keeps its shape
    kStretch,     // image_size x image_size, whatever the proportions
  };
  int64_t image_size = 256;  // pixels
  Fit fit = Fit::kKeepAspect;
  int64_t multiple = 32;  // of the sides, as the backbone wants them (Backbone::side_multiple)
};

struct InputSize {
  int64_t height;
  int64_t width;
};

// Sides are multiples of rule.multiple (every level of a backbone then has whole cells), at least that and at most
// 8 * image_size.
// width, height >= 1 (assay::Error).
InputSize input_size(int64_t width, int64_t height, const InputSizeRule& rule);

Result<InputSizeRule::Fit> fit_from_name(const std::string& name);  // "keep-aspect", "stretch"
const char* fit_name(InputSizeRule::Fit fit);

}  // namespace assay::models
