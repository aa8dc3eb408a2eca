// SPDX-License-Identifier: Apache-2.0
// Kernels and variables of all translated modules, by their mangled names.
#pragma once

#include <string>

#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

const Kernel* find_kernel(const std::string& name);
ModuleVariable* find_variable(const std::string& name);

// Gives every variable that has none yet its memory and initial value on every device. Called before the first use.
void place_variables(int num_devices);

}  // namespace assay::cuda_sim
