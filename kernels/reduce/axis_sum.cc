// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/axis_sum.h"

namespace assay::kernels {

void column_sum_cpu(const ColumnSumArgs& args);                      // axis_sum_cpu.cc
void row_sum_cpu(const RowSumArgs& args);                            // axis_sum_cpu.cc
void column_sum_cuda(const ColumnSumArgs& args, void* cuda_stream);  // axis_sum_cuda.cu
void row_sum_cuda(const RowSumArgs& args, void* cuda_stream);        // axis_sum_cuda.cu

const KernelTable<ColumnSumArgs> column_sum = {"column_sum", column_sum_cpu, ASSAY_CUDA_KERNEL(column_sum_cuda)};
const KernelTable<RowSumArgs> row_sum = {"row_sum", row_sum_cpu, ASSAY_CUDA_KERNEL(row_sum_cuda)};

}  // namespace assay::kernels
