// SPDX-License-Identifier: Apache-2.0
// Checks of CUDA calls and kernel launches. Both throw assay::Error with the call and the name of CUDA's error.
// Included by CUDA sources and by the engine's device layer alone.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

namespace assay {

// Throws where `error` is not cudaSuccess. `call` is the text of the call.
void check_cuda_call(cudaError_t error, const char* call);
// Throws where the launch that came just before failed, with the kernel's name and the shape of the launch.
void check_cuda_launch(const char* kernel, dim3 grid, dim3 block);

// What CUDA says beside the status of a library's call, as "; cudaErrorIllegalAddress (...)", or nothing: a library
// asked to work on a GPU that a kernel broke before says no more than that its execution failed.
std::string cuda_error_beside();

// A grid of `blocks` blocks in x; throws where that is more than CUDA has (2^31 - 1), or none.
dim3 cuda_grid(const char* kernel, int64_t blocks);

}  // namespace assay

#define ASSAY_CUDA_CHECK(call) ::assay::check_cuda_call((call), #call)
// Directly after a <<<>>> launch.
#define ASSAY_CUDA_CHECK_LAUNCH(kernel, grid, block) ::assay::check_cuda_launch((kernel), (grid), (block))
