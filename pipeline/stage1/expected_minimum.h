// SPDX-License-Identifier: Apache-2.0
// The closed form of "held-out minimum, averaged over all partitions".
//
// Let d(1) <= ... <= d(M) be the distances of a patch to the M other images and n the size of a random subset of them
// drawn without replacement. The minimum over the subset is d(r) exactly when image r is in it and none of the r - 1
// nearer ones is, so E[min] = sum over r of w(r) d(r) with w(r) = C(M - r, n - 1) / C(M, n). The weights sum to one.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::pipeline {

// w(1), w(2), ... for M = num_others and n = subset_size, cut off where what is left of them sums to less than 1e-9;
// 1 <= subset_size <= num_others (assay::Error otherwise).
std::vector<double> expected_minimum_weights(int64_t num_others, int64_t subset_size);

// E[min] of M distances under the weights made for M, at least as many as weights; reorders `distances`.
double expected_minimum(std::vector<float>& distances, const std::vector<double>& weights);

}  // namespace assay::pipeline
