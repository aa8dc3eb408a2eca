// SPDX-License-Identifier: Apache-2.0
// What is compared.
#pragma once

#include <string>
#include <vector>

#include "models/detectors/detector_list.h"
#include "pipeline/stage1/stage1.h"

namespace assay::tools {

struct Variant {
  enum class Kind {
    kSingle,  // one bank of all training images
    kClean,   // one bank of the truly normal ones: what purification could reach at best
    kTwoStage,
  };
  std::string name;
  Kind kind = Kind::kTwoStage;
  models::DetectorOptions detector;  // of stage 2; stage 1 has the default one
  pipeline::Stage1Options stage1;
};

// Both single stages, the clean bank and the product's default.
std::vector<Variant> quick_variants();
// These, and every aggregate with every way of keeping.
std::vector<Variant> all_variants();

}  // namespace assay::tools
