// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/nearest_neighbour.h"

#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

void nearest_neighbour_cpu(const NearestNeighbourArgs& args);  // nearest_neighbour_cpu.cc

const KernelTable<NearestNeighbourArgs> nearest_neighbour = {"nearest_neighbour", nearest_neighbour_cpu, nullptr};

int64_t nearest_neighbour_workspace_bytes(int64_t threads, int64_t dim) {
  return query_block_workspace_bytes(threads, dim);
}

}  // namespace assay::kernels
