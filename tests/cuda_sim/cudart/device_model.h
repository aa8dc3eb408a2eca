// SPDX-License-Identifier: Apache-2.0
// Limits of the simulated device: those of an H100 SXM (compute capability 9.0). Source: CUDA C++ Programming Guide,
// table "Technical Specifications per Compute Capability"; NVIDIA H100 whitepaper.
#pragma once

#include <cstdint>

namespace assay::cuda_sim {

constexpr int kNumMultiprocessors = 132;
constexpr int kMaxThreadsPerBlock = 1024;
constexpr int kMaxBlockDim[3] = {1024, 1024, 64};
constexpr int64_t kMaxGridDim[3] = {2147483647, 65535, 65535};
constexpr int kMaxThreadsPerMultiprocessor = 2048;
constexpr int kMaxBlocksPerMultiprocessor = 32;
constexpr int kRegistersPerMultiprocessor = 65536;
constexpr int kRegistersPerBlock = 65536;
constexpr int kMaxRegistersPerThread = 255;
constexpr int kSharedPerBlock = 48 << 10;        // without asking for more
constexpr int kSharedPerBlockOptIn = 227 << 10;  // with cudaFuncSetAttribute
constexpr int kSharedPerMultiprocessor = 228 << 10;
constexpr int kReservedSharedPerBlock = 1 << 10;
constexpr int kConstantBytes = 64 << 10;
constexpr int kL2Bytes = 50 << 20;

}  // namespace assay::cuda_sim
