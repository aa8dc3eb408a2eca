// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm.h"

namespace assay::kernels {

void gemm_cpu(const GemmArgs& args);

const KernelTable<GemmArgs> gemm = {"gemm", gemm_cpu, nullptr};

}  // namespace assay::kernels
