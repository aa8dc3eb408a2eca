// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/mahalanobis.h"

namespace assay::kernels {

void mahalanobis_cpu(const MahalanobisArgs& args);  // mahalanobis_cpu.cc

const KernelTable<MahalanobisArgs> mahalanobis = {"mahalanobis", mahalanobis_cpu, nullptr};

}  // namespace assay::kernels
