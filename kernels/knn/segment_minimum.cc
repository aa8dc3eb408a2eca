// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/segment_minimum.h"

#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

void segment_minimum_cpu(const SegmentMinimumArgs& args);                      // segment_minimum_cpu.cc
void segment_minimum_cuda(const SegmentMinimumArgs& args, void* cuda_stream);  // segment_minimum_cuda.cu

const KernelTable<SegmentMinimumArgs> segment_minimum = {"segment_minimum", segment_minimum_cpu,
                                                         ASSAY_CUDA_KERNEL(segment_minimum_cuda)};

int64_t segment_minimum_workspace_bytes(int64_t threads, int64_t dim) { return threads * query_block_slot_bytes(dim); }

int64_t segment_minimum_workspace_bytes(Backend backend, const SearchShape& shape, int64_t threads) {
  return backend == Backend::kCpu ? segment_minimum_workspace_bytes(threads, shape.dim) : 0;
}

}  // namespace assay::kernels
