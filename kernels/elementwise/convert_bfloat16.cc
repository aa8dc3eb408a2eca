// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/convert_bfloat16.h"

namespace assay::kernels {

// convert_bfloat16_cpu.cc
void to_bfloat16_cpu(const ToBfloat16Args& args);
void from_bfloat16_cpu(const FromBfloat16Args& args);

// convert_bfloat16_cuda.cu
void to_bfloat16_cuda(const ToBfloat16Args& args, void* cuda_stream);
void from_bfloat16_cuda(const FromBfloat16Args& args, void* cuda_stream);

const KernelTable<ToBfloat16Args> to_bfloat16 = {"to_bfloat16", to_bfloat16_cpu, ASSAY_CUDA_KERNEL(to_bfloat16_cuda)};
const KernelTable<FromBfloat16Args> from_bfloat16 = {"from_bfloat16", from_bfloat16_cpu,
                                                     ASSAY_CUDA_KERNEL(from_bfloat16_cuda)};

}  // namespace assay::kernels
