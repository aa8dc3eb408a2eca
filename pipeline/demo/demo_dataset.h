// SPDX-License-Identifier: Apache-2.0
// Writes the synthetic data as a data set with flaws hidden in its training images.
//
//   DIR/<category>/list.csv                        split,path,label,mask; relative to DIR/<category>; label 1 is flawed
//   DIR/<category>/train/000123.png                good and flawed under neutral names
//   DIR/<category>/test/good/000200.png            and test/<defect>/000201.png
//   DIR/<category>/ground_truth/<folder>/000201.png   masks of flawed images; <folder> is train or the defect
//
// The numbers are those of the production run, which what drifts follows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/status.h"

namespace assay::demo {

struct DemoOptions {
  double alpha = 0.15;          // share of flawed images among the training images, 0 to 0.5
  int64_t train_images = 160;   // of each category, flawed ones included, 1 to 100000
  int64_t test_normal = 40;     // of each category, 0 to 100000
  int64_t test_anomalous = 40;  // of each category, the defects in turn, 0 to 100000
  uint64_t seed = 1;
};

// Creates DIR where it is missing and overwrites what an earlier call wrote; a list is written after its images.
// Errors: an option out of range, a folder or file that cannot be written (named, with the reason). Images are made in
// parallel. Returns the lists' paths, one a category.
Result<std::vector<std::string>> write_demo_dataset(const std::string& dir, const DemoOptions& options);

}  // namespace assay::demo
