// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/cholesky.h"

namespace assay::kernels {

void cholesky_cpu(const CholeskyArgs& args);  // cholesky_cpu.cc

const KernelTable<CholeskyArgs> cholesky = {"cholesky", cholesky_cpu, nullptr};

}  // namespace assay::kernels
