// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim_vendor/forget_reports.h"

namespace assay::cuda_sim_vendor {

void forget_reports() { CHECK(!cuda_sim::take_reports().empty()); }

}  // namespace assay::cuda_sim_vendor
