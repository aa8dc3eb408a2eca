// SPDX-License-Identifier: Apache-2.0
// What is known about images: for evaluation and audit figures only. No library that trains depends on this one.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace assay::dataset {

struct Truth {
  int label = -1;      // 0 normal, 1 anomalous, -1 unknown
  std::string mask;    // relative to the root, of a file that exists; empty: none is known
  std::string defect;  // its name where the data have one, for audit; empty for normal and unknown images
};

class GroundTruth {
 public:
  GroundTruth() = default;
  explicit GroundTruth(std::vector<std::pair<std::string, Truth>> sorted_by_id) : truths_(std::move(sorted_by_id)) {}
  // Unknown where the id is.
  const Truth& of(const std::string& id) const;

 private:
  std::vector<std::pair<std::string, Truth>> truths_;
};

}  // namespace assay::dataset
