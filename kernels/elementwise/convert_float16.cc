// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/convert_float16.h"

namespace assay::kernels {

void to_float16_cpu(const ToFloat16Args& args);                          // convert_float16_cpu.cc
void from_float16_cpu(const FromFloat16Args& args);                      // convert_float16_cpu.cc
void to_float16_cuda(const ToFloat16Args& args, void* cuda_stream);      // convert_float16_cuda.cu
void from_float16_cuda(const FromFloat16Args& args, void* cuda_stream);  // convert_float16_cuda.cu

const KernelTable<ToFloat16Args> to_float16 = {"to_float16", to_float16_cpu, ASSAY_CUDA_KERNEL(to_float16_cuda)};
const KernelTable<FromFloat16Args> from_float16 = {"from_float16", from_float16_cpu,
                                                   ASSAY_CUDA_KERNEL(from_float16_cuda)};

}  // namespace assay::kernels
