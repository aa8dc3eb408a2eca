// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace assay::cuda_sim_vendor {

// The simulated libraries report each broken rule, beside the status: takes the reports, of which there must be some.
// With the real libraries there are none to take.
void forget_reports();

}  // namespace assay::cuda_sim_vendor
