// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/trajectory.h"

#include "kernels/base/check.h"

namespace assay::pipeline {

std::vector<double> trajectory_areas(const std::vector<TrackedScores>& tracked) {
  ASSAY_CHECK(!tracked.empty() && !tracked[0].steps.empty(), "trajectory_areas: no scores were tracked");
  const size_t num_models = tracked.size(), num_images = tracked[0].scores[0].size();
  std::vector<double> areas(num_images * num_models);
  for (size_t k = 0; k < num_models; ++k) {
    ASSAY_CHECK(tracked[k].steps == tracked[0].steps, "trajectory_areas: sub-models of different moments");
    int64_t before = 0;
    for (size_t moment = 0; moment < tracked[k].steps.size(); ++moment) {
      const std::vector<double>& scores = tracked[k].scores[moment];
      ASSAY_CHECK(scores.size() == num_images, "trajectory_areas: ", scores.size(), " scores at one moment, ",
                  num_images, " at another");
      const double steps = static_cast<double>(tracked[k].steps[moment] - before);
      for (size_t i = 0; i < num_images; ++i) areas[i * num_models + k] += steps * scores[i];
      before = tracked[k].steps[moment];
    }
    for (size_t i = 0; i < num_images; ++i) areas[i * num_models + k] /= static_cast<double>(before);
  }
  return areas;
}

}  // namespace assay::pipeline
