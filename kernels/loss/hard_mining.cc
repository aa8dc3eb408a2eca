// SPDX-License-Identifier: Apache-2.0
#include "kernels/loss/hard_mining.h"

namespace assay::kernels {

void kth_largest_cpu(const KthLargestArgs& args);                                 // hard_mining_cpu.cc
void hard_mining_scale_cpu(const HardMiningScaleArgs& args);                      // hard_mining_cpu.cc
void kth_largest_cuda(const KthLargestArgs& args, void* cuda_stream);             // hard_mining_cuda.cu
void hard_mining_scale_cuda(const HardMiningScaleArgs& args, void* cuda_stream);  // hard_mining_cuda.cu

const KernelTable<KthLargestArgs> kth_largest = {"kth_largest", kth_largest_cpu, ASSAY_CUDA_KERNEL(kth_largest_cuda)};
const KernelTable<HardMiningScaleArgs> hard_mining_scale = {"hard_mining_scale", hard_mining_scale_cpu,
                                                            ASSAY_CUDA_KERNEL(hard_mining_scale_cuda)};

}  // namespace assay::kernels
