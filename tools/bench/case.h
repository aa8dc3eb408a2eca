// SPDX-License-Identifier: Apache-2.0
// One benchmark case, and the list of those there are. A kernel's cases stand beside it in x_bench.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace assay::bench {

// A case with its buffers filled.
struct PreparedCase {
  std::function<void()> run;     // no allocation, no copy
  std::function<void()> base;    // a plainer way to the same answer or a known amount of the same work; may be empty
  std::function<bool()> verify;  // after run: does a sample of the answer hold against the reference
};

struct Case {
  std::string kernel;  // "nearest_neighbour"
  std::string shape;   // "4096x8192x128"
  double flop;         // compulsory work of one run
  double bytes;        // compulsory traffic of one run
  std::function<PreparedCase()> prepare;
};

// kernels/knn/nearest_neighbour_bench.cc. Base: the product of queries and bank alone, by oneDNN, stored.
std::vector<Case> nearest_neighbour_cases();
// kernels/knn/segment_minimum_bench.cc. Base: nearest_neighbour on the same matrices.
std::vector<Case> segment_minimum_cases();
// kernels/coreset/greedy_k_center_bench.cc. Base: the textbook loop, one thread, no explicit vectors.
std::vector<Case> greedy_k_center_cases();
// kernels/knn/top_k_bench.cc. Base: nearest_neighbour on the same matrices.
std::vector<Case> top_k_cases();
// kernels/knn/packed_bank_bench.cc. No base.
std::vector<Case> packed_bank_cases();
// One list for each family of small kernels, without a base: kernels/blur/blur_bench.cc and so on.
std::vector<Case> blur_cases();
std::vector<Case> elementwise_cases();
std::vector<Case> gaussian_cases();
std::vector<Case> interpolate_cases();
std::vector<Case> pool_cases();
std::vector<Case> random_cases();
std::vector<Case> resize_cases();
std::vector<Case> statistics_cases();

}  // namespace assay::bench
