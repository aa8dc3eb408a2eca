// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/expected_minimum.h"

#include <algorithm>

#include "kernels/base/check.h"

namespace assay::pipeline {

std::vector<double> expected_minimum_weights(int64_t num_others, int64_t subset_size) {
  ASSAY_CHECK(subset_size >= 1 && subset_size <= num_others, "expected_minimum_weights: a subset of ", subset_size,
              " out of ", num_others, " images");
  const double m = static_cast<double>(num_others);
  const double n = static_cast<double>(subset_size);
  std::vector<double> weights;
  double left = 1;
  // w(1) = n / M; w(r + 1) / w(r) = C(M - r - 1, n - 1) / C(M - r, n - 1) = (M - r - n + 1) / (M - r).
  double w = n / m;
  for (int64_t r = 1; r <= num_others && w > 0 && left > 1e-9; ++r) {
    weights.push_back(w);
    left -= w;
    w *= std::max(0.0, m - static_cast<double>(r) - n + 1) / std::max(1.0, m - static_cast<double>(r));
  }
  return weights;
}

double expected_minimum(std::vector<float>& distances, const std::vector<double>& weights) {
  ASSAY_CHECK(distances.size() >= weights.size(), "expected_minimum: ", distances.size(), " distances, ",
              weights.size(), " weights");
  std::partial_sort(distances.begin(), distances.begin() + static_cast<int64_t>(weights.size()), distances.end());
  double sum = 0;
  for (size_t r = 0; r < weights.size(); ++r) sum += weights[r] * distances[r];
  return sum;
}

}  // namespace assay::pipeline
