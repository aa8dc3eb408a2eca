// SPDX-License-Identifier: Apache-2.0
// What opening a data set yields: the images, what is known about them, and what went wrong on the way.
#pragma once

#include <string>
#include <vector>

#include "pipeline/dataset/dataset.h"
#include "pipeline/dataset/ground_truth.h"

namespace assay::dataset {

// Something that was left out or could not be used, while the rest is good: a file in a list that does not exist, a
// folder that cannot be read, a mask that is missing.
struct Problem {
  std::string where;  // "list.csv: line 17", "audiojack.json: train[3]", or a path
  std::string reason;
};

struct Opened {
  Dataset dataset;
  GroundTruth truth;
  std::vector<Problem> problems;
};

}  // namespace assay::dataset
