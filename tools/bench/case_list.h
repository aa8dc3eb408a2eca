// SPDX-License-Identifier: Apache-2.0
// Every list of benchmark cases, and all cases together.
#pragma once

#include <vector>

#include "tools/bench/case.h"

namespace assay::bench {

// kernels/knn/x_bench.cc. Bases: of nearest_neighbour the product of queries and bank alone, stored; of segment_minimum
// and top_k nearest_neighbour at the same sizes; of x/bytes the search x without bytes.
std::vector<Case> nearest_neighbour_cases(const Scale& scale);
std::vector<Case> segment_minimum_cases(const Scale& scale);
std::vector<Case> top_k_cases(const Scale& scale);
std::vector<Case> packed_bank_cases(const Scale& scale);
// kernels/coreset/greedy_k_center_bench.cc. Base on the CPU: the textbook loop, one thread, no explicit vectors.
std::vector<Case> greedy_k_center_cases(const Scale& scale);
// kernels/matmul. Base of the other products: gemm.
std::vector<Case> gemm_cases(const Scale& scale);
// kernels/FAMILY/FAMILY_bench.cc each, without a base.
std::vector<Case> activation_cases(const Scale& scale);
std::vector<Case> arithmetic_cases(const Scale& scale);
std::vector<Case> attention_cases(const Scale& scale);
std::vector<Case> blur_cases(const Scale& scale);
std::vector<Case> conv_cases(const Scale& scale);
std::vector<Case> dropout_cases(const Scale& scale);
std::vector<Case> elementwise_cases(const Scale& scale);
std::vector<Case> gather_cases(const Scale& scale);
std::vector<Case> gaussian_cases(const Scale& scale);
std::vector<Case> interpolate_cases(const Scale& scale);
std::vector<Case> loss_cases(const Scale& scale);
std::vector<Case> norm_cases(const Scale& scale);
std::vector<Case> optim_cases(const Scale& scale);
std::vector<Case> pool_cases(const Scale& scale);
std::vector<Case> random_cases(const Scale& scale);
std::vector<Case> reduce_cases(const Scale& scale);
std::vector<Case> resize_cases(const Scale& scale);
std::vector<Case> softmax_cases(const Scale& scale);
std::vector<Case> statistics_cases(const Scale& scale);

std::vector<Case> all_cases(const Scale& scale);

}  // namespace assay::bench
