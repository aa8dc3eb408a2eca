// SPDX-License-Identifier: Apache-2.0
// Launches a translated kernel by its name, without a host program that nvcc made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::cuda_sim::opcodes {

// One block of `num_threads`. The kernel's parameters are pointers to `input` and to `output_bytes` bytes of 0xff,
// which are returned as the kernel leaves them.
std::vector<unsigned char> run_kernel(const std::string& name, int num_threads, const std::vector<uint32_t>& input,
                                      int output_bytes);

}  // namespace assay::cuda_sim::opcodes
