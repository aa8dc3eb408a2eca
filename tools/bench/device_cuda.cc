// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <chrono>
#include <functional>

#include "kernels/base/cuda_check.h"
#include "kernels/base/text.h"
#include "tools/bench/device.h"
#include "tools/bench/device_limits.h"

namespace assay::bench {
namespace {

constexpr int64_t kReadBytes = int64_t{1} << 30;  // beyond every second-level cache
constexpr int kSteps = 4096;                      // half a millisecond of an H100's float32 units

// Never freed: they serve as long as the program runs.
float* device_floats(int64_t bytes) {
  void* memory = nullptr;
  ASSAY_CUDA_CHECK(cudaMalloc(&memory, static_cast<size_t>(bytes)));
  ASSAY_CUDA_CHECK(cudaMemset(memory, 0, static_cast<size_t>(bytes)));
  return static_cast<float*>(memory);
}

float* sink() {
  static float* memory = device_floats(int64_t{4} * kLimitBlocks * kLimitThreads);
  return memory;
}

double seconds_of(const std::function<void()>& work) {
  work();  // warm
  wait_for_gpu();
  const auto start = std::chrono::steady_clock::now();
  work();
  wait_for_gpu();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

cudaDeviceProp properties() {
  cudaDeviceProp p;
  ASSAY_CUDA_CHECK(cudaGetDeviceProperties(&p, 0));
  return p;
}

}  // namespace

bool has_gpu(std::string* reason) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return true;
  *reason = error == cudaSuccess ? "this machine has no GPU" : text("no GPU: ", cudaGetErrorName(error));
  return false;
}

std::string gpu_description() {
  const cudaDeviceProp p = properties();
  int driver = 0, runtime = 0;
  ASSAY_CUDA_CHECK(cudaDriverGetVersion(&driver));
  ASSAY_CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  return text(p.name, ", ", p.multiProcessorCount, " SMs, driver ", driver / 1000, ".", driver % 1000 / 10,
              ", runtime ", runtime / 1000, ".", runtime % 1000 / 10);
}

int64_t gpu_cache_bytes() { return properties().l2CacheSize; }

void wait_for_gpu() { ASSAY_CUDA_CHECK(cudaDeviceSynchronize()); }

double measure_gpu_flop_per_s(Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::kThreeTf32) return measure_gpu_flop_per_s(Arithmetic::kTf32) / 3;
  const double seconds = seconds_of([&] { launch_multiply_add_limit(arithmetic, kLimitBlocks, kSteps, sink()); });
  return multiply_add_limit_flop(arithmetic, kLimitBlocks, kSteps) / seconds;
}

double measure_gpu_read_bytes_per_s() {
  static const float* memory = device_floats(kReadBytes);
  const double seconds = seconds_of([] { launch_read_limit(memory, kReadBytes / 4, kLimitBlocks, sink()); });
  return static_cast<double>(kReadBytes) / seconds;
}

}  // namespace assay::bench
