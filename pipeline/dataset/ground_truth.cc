// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/ground_truth.h"

#include <algorithm>

namespace assay::dataset {

const Truth& GroundTruth::of(const std::string& id) const {
  static const Truth unknown;
  const auto found =
      std::lower_bound(truths_.begin(), truths_.end(), id,
                       [](const auto& entry, const std::string& wanted) { return entry.first < wanted; });
  return found != truths_.end() && found->first == id ? found->second : unknown;
}

}  // namespace assay::dataset
