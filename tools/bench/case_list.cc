// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/case_list.h"

namespace assay::bench {

std::vector<Case> all_cases(const Scale& scale) {
  std::vector<Case> all;
  for (const auto& cases : {nearest_neighbour_cases,
                            segment_minimum_cases,
                            top_k_cases,
                            packed_bank_cases,
                            greedy_k_center_cases,
                            gemm_cases,
                            conv_cases,
                            pool_cases,
                            blur_cases,
                            resize_cases,
                            interpolate_cases,
                            elementwise_cases,
                            gather_cases,
                            gaussian_cases,
                            statistics_cases,
                            random_cases,
                            norm_cases,
                            activation_cases,
                            softmax_cases,
                            attention_cases,
                            dropout_cases,
                            reduce_cases,
                            arithmetic_cases,
                            loss_cases,
                            optim_cases}) {
    for (Case& c : cases(scale)) all.push_back(std::move(c));
  }
  return all;
}

}  // namespace assay::bench
