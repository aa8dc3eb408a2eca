// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/nearest_neighbour.h"

#include "kernels/knn/bank_splits.h"
#include "kernels/knn/byte_search.h"
#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

void nearest_neighbour_cpu(const NearestNeighbourArgs& args);                      // nearest_neighbour_cpu.cc
void nearest_neighbour_cuda(const NearestNeighbourArgs& args, void* cuda_stream);  // nearest_neighbour_cuda.cu

const KernelTable<NearestNeighbourArgs> nearest_neighbour = {"nearest_neighbour", nearest_neighbour_cpu,
                                                             ASSAY_CUDA_KERNEL(nearest_neighbour_cuda)};

int64_t nearest_neighbour_workspace_bytes(int64_t threads, int64_t dim) {
  return threads * query_block_slot_bytes(dim, byte_search_bytes(dim, 1));
}

int64_t nearest_neighbour_workspace_bytes(Backend backend, const SearchShape& shape, int64_t threads) {
  if (backend == Backend::kCpu) return nearest_neighbour_workspace_bytes(threads, shape.dim);
  constexpr int64_t kCandidateBytes = sizeof(int64_t) + sizeof(float);
  return bank_splits(shape.num_queries, shape.rows).parts * shape.num_queries * kCandidateBytes;
}

}  // namespace assay::kernels
