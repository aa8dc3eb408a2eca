// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim_vendor/forget_reports.h"

namespace assay::cuda_sim_vendor {

void forget_reports() {}

}  // namespace assay::cuda_sim_vendor
