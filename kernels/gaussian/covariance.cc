// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/covariance.h"

namespace assay::kernels {

// covariance_cpu.cc
void covariance_accumulate_cpu(const CovarianceAccumulateArgs& args);
void covariance_finish_cpu(const CovarianceFinishArgs& args);
// covariance_cuda.cu
void covariance_accumulate_cuda(const CovarianceAccumulateArgs& args, void* cuda_stream);
void covariance_finish_cuda(const CovarianceFinishArgs& args, void* cuda_stream);

const KernelTable<CovarianceAccumulateArgs> covariance_accumulate = {"covariance_accumulate", covariance_accumulate_cpu,
                                                                     ASSAY_CUDA_KERNEL(covariance_accumulate_cuda)};
const KernelTable<CovarianceFinishArgs> covariance_finish = {"covariance_finish", covariance_finish_cpu,
                                                             ASSAY_CUDA_KERNEL(covariance_finish_cuda)};

}  // namespace assay::kernels
