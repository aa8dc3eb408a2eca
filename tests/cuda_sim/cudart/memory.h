// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace assay::cuda_sim {

// The n-th allocation from now fails (1: the next); 0: none.
void deny_allocation(int64_t n);

}  // namespace assay::cuda_sim
