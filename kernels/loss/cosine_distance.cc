// SPDX-License-Identifier: Apache-2.0
#include "kernels/loss/cosine_distance.h"

namespace assay::kernels {

void cosine_distance_forward_cpu(const CosineDistanceForwardArgs& args);                        // _cpu.cc
void cosine_distance_backward_cpu(const CosineDistanceBackwardArgs& args);                      // _cpu.cc
void cosine_distance_forward_cuda(const CosineDistanceForwardArgs& args, void* cuda_stream);    // _cuda.cu
void cosine_distance_backward_cuda(const CosineDistanceBackwardArgs& args, void* cuda_stream);  // _cuda.cu

const KernelTable<CosineDistanceForwardArgs> cosine_distance_forward = {
    "cosine_distance_forward", cosine_distance_forward_cpu, ASSAY_CUDA_KERNEL(cosine_distance_forward_cuda)};
const KernelTable<CosineDistanceBackwardArgs> cosine_distance_backward = {
    "cosine_distance_backward", cosine_distance_backward_cpu, ASSAY_CUDA_KERNEL(cosine_distance_backward_cuda)};

}  // namespace assay::kernels
