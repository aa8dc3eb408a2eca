// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/top_k.h"

#include "kernels/knn/query_blocks.h"

namespace assay::kernels {

void top_k_cpu(const TopKArgs& args);  // top_k_cpu.cc

const KernelTable<TopKArgs> top_k = {"top_k", top_k_cpu, nullptr};

int64_t top_k_workspace_bytes(int64_t threads, int64_t dim) { return query_block_workspace_bytes(threads, dim); }

}  // namespace assay::kernels
