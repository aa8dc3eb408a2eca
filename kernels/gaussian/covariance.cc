// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/covariance.h"

namespace assay::kernels {

void covariance_accumulate_cpu(const CovarianceAccumulateArgs& args);  // covariance_cpu.cc
void covariance_finish_cpu(const CovarianceFinishArgs& args);          // covariance_cpu.cc

const KernelTable<CovarianceAccumulateArgs> covariance_accumulate = {"covariance_accumulate", covariance_accumulate_cpu,
                                                                     nullptr};
const KernelTable<CovarianceFinishArgs> covariance_finish = {"covariance_finish", covariance_finish_cpu, nullptr};

}  // namespace assay::kernels
