// SPDX-License-Identifier: Apache-2.0
#include "kernels/norm/batch_norm.h"

namespace assay::kernels {

void batch_norm_statistics_cpu(const BatchNormStatisticsArgs& args);                      // batch_norm_cpu.cc
void batch_norm_apply_cpu(const BatchNormApplyArgs& args);                                // batch_norm_cpu.cc
void batch_norm_backward_cpu(const BatchNormBackwardArgs& args);                          // batch_norm_cpu.cc
void batch_norm_statistics_cuda(const BatchNormStatisticsArgs& args, void* cuda_stream);  // batch_norm_cuda.cu
void batch_norm_apply_cuda(const BatchNormApplyArgs& args, void* cuda_stream);            // batch_norm_cuda.cu
void batch_norm_backward_cuda(const BatchNormBackwardArgs& args, void* cuda_stream);      // batch_norm_cuda.cu

const KernelTable<BatchNormStatisticsArgs> batch_norm_statistics = {"batch_norm_statistics", batch_norm_statistics_cpu,
                                                                    ASSAY_CUDA_KERNEL(batch_norm_statistics_cuda)};
const KernelTable<BatchNormApplyArgs> batch_norm_apply = {"batch_norm_apply", batch_norm_apply_cpu,
                                                          ASSAY_CUDA_KERNEL(batch_norm_apply_cuda)};
const KernelTable<BatchNormBackwardArgs> batch_norm_backward = {"batch_norm_backward", batch_norm_backward_cpu,
                                                                ASSAY_CUDA_KERNEL(batch_norm_backward_cuda)};

}  // namespace assay::kernels
