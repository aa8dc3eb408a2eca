// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/histogram.h"

namespace assay::kernels {

void histogram_cpu(const HistogramArgs& args);                      // histogram_cpu.cc
void histogram_cuda(const HistogramArgs& args, void* cuda_stream);  // histogram_cuda.cu

const KernelTable<HistogramArgs> histogram = {"histogram", histogram_cpu, ASSAY_CUDA_KERNEL(histogram_cuda)};

}  // namespace assay::kernels
