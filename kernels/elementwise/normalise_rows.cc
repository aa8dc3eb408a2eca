// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/normalise_rows.h"

namespace assay::kernels {

void normalise_rows_cpu(const NormaliseRowsArgs& args);                      // normalise_rows_cpu.cc
void normalise_rows_cuda(const NormaliseRowsArgs& args, void* cuda_stream);  // normalise_rows_cuda.cu

const KernelTable<NormaliseRowsArgs> normalise_rows = {"normalise_rows", normalise_rows_cpu,
                                                       ASSAY_CUDA_KERNEL(normalise_rows_cuda)};

}  // namespace assay::kernels
