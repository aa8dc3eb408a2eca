// SPDX-License-Identifier: Apache-2.0
// The folder layout of MVTec AD, which many sets share:
//   train/good/*  test/good/*  test/<defect>/*  ground_truth/<defect>/<name>_mask.png or <name>.png
// Beyond the original: train/<defect>/* are anomalies that nobody sorted out of the training images, with masks in the
// same place; images directly in train/ or test/ have no label; folders may be nested below <defect>, their masks are
// nested likewise. Without train/good the subfolders of train/ say nothing (batches, cameras), so labels stay unknown.
#pragma once

#include <string>

#include "kernels/base/status.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

// True where `root` holds folders `train` and `test`.
bool looks_like_mvtec(const std::string& root);

// A test image of a defect without a mask is a problem where ground_truth/ exists; its label holds.
Result<Opened> read_mvtec(const std::string& root);

}  // namespace assay::dataset
