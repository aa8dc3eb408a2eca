// SPDX-License-Identifier: Apache-2.0
#include "kernels/gather/gather.h"

namespace assay::kernels {

void gather_rows_cpu(const GatherRowsArgs& args);                            // gather_cpu.cc
void gather_rows_cuda(const GatherRowsArgs& args, void* cuda_stream);        // gather_cuda.cu
void gather_columns_cpu(const GatherColumnsArgs& args);                      // gather_cpu.cc
void gather_columns_cuda(const GatherColumnsArgs& args, void* cuda_stream);  // gather_cuda.cu
void place_columns_cpu(const PlaceColumnsArgs& args);                        // gather_cpu.cc
void place_columns_cuda(const PlaceColumnsArgs& args, void* cuda_stream);    // gather_cuda.cu

const KernelTable<GatherRowsArgs> gather_rows = {"gather_rows", gather_rows_cpu, ASSAY_CUDA_KERNEL(gather_rows_cuda)};
const KernelTable<GatherColumnsArgs> gather_columns = {"gather_columns", gather_columns_cpu,
                                                       ASSAY_CUDA_KERNEL(gather_columns_cuda)};
const KernelTable<PlaceColumnsArgs> place_columns = {"place_columns", place_columns_cpu,
                                                     ASSAY_CUDA_KERNEL(place_columns_cuda)};

}  // namespace assay::kernels
