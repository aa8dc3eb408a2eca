// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/top_k.h"

#include "kernels/knn/bank_splits.h"
#include "kernels/knn/byte_search.h"
#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

void top_k_cpu(const TopKArgs& args);                      // top_k_cpu.cc
void top_k_cuda(const TopKArgs& args, void* cuda_stream);  // top_k_cuda.cu

const KernelTable<TopKArgs> top_k = {"top_k", top_k_cpu, ASSAY_CUDA_KERNEL(top_k_cuda)};

int64_t top_k_workspace_bytes(int64_t threads, int64_t dim) {
  return threads * query_block_slot_bytes(dim, byte_search_bytes(dim, kMaxTopK));
}

int64_t top_k_workspace_bytes(Backend backend, const SearchShape& shape, int64_t k, int64_t threads) {
  if (backend == Backend::kCpu) return top_k_workspace_bytes(threads, shape.dim);
  constexpr int64_t kCandidateBytes = sizeof(int64_t) + sizeof(float);
  return bank_splits(shape.num_queries, shape.rows).parts * shape.num_queries * k * kCandidateBytes;
}

}  // namespace assay::kernels
