// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

void pack_bank_cpu(const PackBankArgs& args);                      // packed_bank_cpu.cc
void pack_bank_cuda(const PackBankArgs& args, void* cuda_stream);  // packed_bank_cuda.cu

const KernelTable<PackBankArgs> pack_bank = {"pack_bank", pack_bank_cpu, ASSAY_CUDA_KERNEL(pack_bank_cuda)};

int64_t packed_bank_bytes(int64_t rows, int64_t dim) {
  const int64_t panels = (rows + kPanelRows - 1) / kPanelRows;
  return panels * (dim + 1) * kPanelRows * static_cast<int64_t>(sizeof(float));
}

}  // namespace assay::kernels
