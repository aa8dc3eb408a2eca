// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/segment_minimum.h"

#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

void segment_minimum_cpu(const SegmentMinimumArgs& args);  // segment_minimum_cpu.cc

const KernelTable<SegmentMinimumArgs> segment_minimum = {"segment_minimum", segment_minimum_cpu, nullptr};

int64_t segment_minimum_workspace_bytes(int64_t threads, int64_t dim) {
  return query_block_workspace_bytes(threads, dim);
}

}  // namespace assay::kernels
