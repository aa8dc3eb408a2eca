// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace assay::cuda_sim {

// Kernels that ran since the process began.
int64_t count_launches();

}  // namespace assay::cuda_sim
