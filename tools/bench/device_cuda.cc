// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>

#include "kernels/base/cuda_check.h"
#include "kernels/base/text.h"
#include "tools/bench/device.h"
#include "tools/bench/device_limits.h"

// The simulator has no managed memory.
extern "C" __attribute__((weak)) cudaError_t cudaMallocManaged(void** pointer, size_t bytes, unsigned flags);

namespace {

constexpr size_t kHeader = 64;  // before each allocation: who gave it; keeps the alignment of vector loads
constexpr uint64_t kFromGpu = 0x6770752d6d656d6full;

bool is_for_gpu = false;

void* allocate(size_t bytes) {
  void* block = nullptr;
  if (is_for_gpu) {
    const size_t total = bytes + kHeader;
    const cudaError_t error = cudaMallocManaged != nullptr ? cudaMallocManaged(&block, total, cudaMemAttachGlobal)
                                                           : cudaMalloc(&block, total);
    if (error != cudaSuccess) throw std::bad_alloc();
  } else {
    block = std::malloc(bytes + kHeader);
    if (block == nullptr) throw std::bad_alloc();
  }
  *static_cast<uint64_t*>(block) = is_for_gpu ? kFromGpu : 0;
  return static_cast<char*>(block) + kHeader;
}

void release(void* pointer) {
  if (pointer == nullptr) return;
  void* block = static_cast<char*>(pointer) - kHeader;
  if (*static_cast<uint64_t*>(block) == kFromGpu) {
    (void)cudaFree(block);
  } else {
    std::free(block);
  }
}

}  // namespace

void* operator new(size_t bytes) { return allocate(bytes); }
void* operator new[](size_t bytes) { return allocate(bytes); }
void operator delete(void* pointer) noexcept { release(pointer); }
void operator delete[](void* pointer) noexcept { release(pointer); }
void operator delete(void* pointer, size_t) noexcept { release(pointer); }
void operator delete[](void* pointer, size_t) noexcept { release(pointer); }

namespace assay::bench {
namespace {

double seconds_of(const std::function<void()>& work) {
  work();  // warm
  wait_for_gpu();
  const auto start = std::chrono::steady_clock::now();
  work();
  wait_for_gpu();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
  cudaDeviceProp properties;
  int driver = 0, runtime = 0;
  ASSAY_CUDA_CHECK(cudaGetDeviceProperties(&properties, 0));
  ASSAY_CUDA_CHECK(cudaDriverGetVersion(&driver));
  ASSAY_CUDA_CHECK(cudaRuntimeGetVersion(&runtime));
  return text(properties.name, ", ", properties.multiProcessorCount, " SMs, driver ", driver / 1000, ".",
              driver % 1000 / 10, ", runtime ", runtime / 1000, ".", runtime % 1000 / 10);
}

void wait_for_gpu() { ASSAY_CUDA_CHECK(cudaDeviceSynchronize()); }

double measure_gpu_fma_flop_per_s() {
  void* sink = nullptr;
  ASSAY_CUDA_CHECK(cudaMalloc(&sink, sizeof(float)));
  const double seconds = seconds_of([&] { launch_fma_limit(static_cast<float*>(sink)); });
  ASSAY_CUDA_CHECK(cudaFree(sink));
  return kFmaLimitFlop / seconds;
}

double measure_gpu_read_bytes_per_s() {
  void* block = nullptr;
  ASSAY_CUDA_CHECK(cudaMalloc(&block, kReadLimitBytes + sizeof(float)));
  float* memory = static_cast<float*>(block);
  ASSAY_CUDA_CHECK(cudaMemset(memory, 0, kReadLimitBytes + sizeof(float)));
  const double seconds = seconds_of([&] { launch_read_limit(memory, memory + kReadLimitBytes / sizeof(float)); });
  ASSAY_CUDA_CHECK(cudaFree(memory));
  return static_cast<double>(kReadLimitBytes) / seconds;
}

void allocate_for_gpu() { is_for_gpu = true; }

}  // namespace assay::bench
