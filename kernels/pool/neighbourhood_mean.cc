// SPDX-License-Identifier: Apache-2.0
#include "kernels/pool/neighbourhood_mean.h"

namespace assay::kernels {

void neighbourhood_mean_cpu(const NeighbourhoodMeanArgs& args);  // neighbourhood_mean_cpu.cc

const KernelTable<NeighbourhoodMeanArgs> neighbourhood_mean = {"neighbourhood_mean", neighbourhood_mean_cpu, nullptr};

}  // namespace assay::kernels
