// SPDX-License-Identifier: Apache-2.0
#include "kernels/coreset/greedy_k_center.h"

#include "kernels/coreset/farthest_pieces.h"

namespace assay::kernels {

void greedy_k_center_cpu(const GreedyKCenterArgs& args);  // greedy_k_center_cpu.cc

const KernelTable<GreedyKCenterArgs> greedy_k_center = {"greedy_k_center", greedy_k_center_cpu, nullptr};

int64_t greedy_k_center_workspace_bytes(int64_t num_points) {
  const int64_t pieces = (num_points + kPointsPerPiece - 1) / kPointsPerPiece;
  return pieces * static_cast<int64_t>(sizeof(Farthest)) + num_points * static_cast<int64_t>(sizeof(float));
}

}  // namespace assay::kernels
