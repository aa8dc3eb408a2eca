// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/add_row.h"

namespace assay::kernels {

void add_row_cpu(const AddRowArgs& args);                      // add_row_cpu.cc
void add_row_cuda(const AddRowArgs& args, void* cuda_stream);  // add_row_cuda.cu

const KernelTable<AddRowArgs> add_row = {"add_row", add_row_cpu, ASSAY_CUDA_KERNEL(add_row_cuda)};

}  // namespace assay::kernels
