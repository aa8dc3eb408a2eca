// SPDX-License-Identifier: Apache-2.0
// What nvcc's host code registers: the host address of each kernel's stub and of each module variable.
#pragma once

#include <string>

#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

// Mangled name of the kernel behind a stub; null if there is none.
const std::string* kernel_name(const void* stub);
// Null if the host never registered it, or no translated module has it.
ModuleVariable* symbol_variable(const void* symbol);

}  // namespace assay::cuda_sim
