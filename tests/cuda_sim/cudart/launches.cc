// SPDX-License-Identifier: Apache-2.0
// Launches of kernels, and what may be asked of and set for a kernel.
#include "tests/cuda_sim/cudart/launches.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/cuda_sim/cudart/device_model.h"
#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/symbols.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/launch.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/registry.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

struct CallConfiguration {
  dim3 grid;
  dim3 block;
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};

// Between <<<...>>> and the stub of the kernel.
thread_local std::vector<CallConfiguration> call_configurations;

int64_t num_launches_so_far = 0;

// What cudaFuncSetAttribute allowed, per kernel and device.
std::map<std::pair<const Kernel*, int>, int>& dynamic_shared_limits() {
  static auto* limits = new std::map<std::pair<const Kernel*, int>, int>;
  return *limits;
}

int max_dynamic_shared(const Kernel& kernel) {
  const auto found = dynamic_shared_limits().find({&kernel, current_device()});
  const int by_default = kSharedPerBlock - static_cast<int>(kernel.static_shared_bytes);
  return found == dynamic_shared_limits().end() ? by_default : std::max(found->second, by_default);
}

// PTX doesn't say how many registers a kernel takes. ptxas keeps to what .maxntid leaves for each thread.
int num_registers(const Kernel& kernel) {
  if (kernel.num_registers > 0) return static_cast<int>(kernel.num_registers);
  constexpr int kUnknown = 64;  // lets every legal block run
  if (kernel.max_threads == 0) return kUnknown;
  return std::min(kMaxRegistersPerThread, kRegistersPerBlock / static_cast<int>(kernel.max_threads) / 8 * 8);
}

int max_threads(const Kernel& kernel) {
  return kernel.max_threads > 0 ? static_cast<int>(kernel.max_threads) : kMaxThreadsPerBlock;
}

const Kernel* kernel_of_stub(const char* function, const void* stub) {
  const std::string* name = kernel_name(stub);
  const Kernel* kernel = name == nullptr ? nullptr : find_kernel(*name);
  if (kernel == nullptr) {
    report_host(Fault::kBadCall, "%s: no translated kernel %s is linked into this program", function,
                name == nullptr ? "behind this pointer" : demangled(name->c_str()).c_str());
  }
  return kernel;
}

cudaError_t check_configuration(const Kernel& kernel, dim3 grid, dim3 block, size_t shared_bytes) {
  const unsigned blocks[3] = {grid.x, grid.y, grid.z};
  const unsigned threads[3] = {block.x, block.y, block.z};
  uint64_t block_threads = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (blocks[axis] < 1 || int64_t{blocks[axis]} > kMaxGridDim[axis]) return cudaErrorInvalidConfiguration;
    if (threads[axis] < 1 || int64_t{threads[axis]} > kMaxBlockDim[axis]) return cudaErrorInvalidConfiguration;
    block_threads *= threads[axis];
  }
  if (block_threads > kMaxThreadsPerBlock) return cudaErrorInvalidConfiguration;
  if (block_threads > static_cast<uint64_t>(max_threads(kernel))) return cudaErrorLaunchOutOfResources;
  const uint64_t warps = (block_threads + 31) / 32;
  if (warps * 32 * static_cast<uint64_t>(num_registers(kernel)) > kRegistersPerBlock) {
    return cudaErrorLaunchOutOfResources;
  }
  if (shared_bytes > static_cast<size_t>(std::max(0, max_dynamic_shared(kernel)))) return cudaErrorInvalidValue;
  return cudaSuccess;
}

// A copy of the arguments: the caller's are gone before the kernel runs. Each at a multiple of 16 bytes.
struct Arguments {
  Arguments(const Kernel& kernel, void** arguments) {
    size_t total = 0;
    for (uint32_t index = 0; index < kernel.num_parameters; ++index) {
      total += (kernel.parameter_bytes[index] + 15) / 16 * 16;
    }
    bytes.resize(total / 16 + 1);
    auto* next = reinterpret_cast<unsigned char*>(bytes.data());
    for (uint32_t index = 0; index < kernel.num_parameters; ++index) {
      std::memcpy(next, arguments[index], kernel.parameter_bytes[index]);
      pointers.push_back(next);
      next += (kernel.parameter_bytes[index] + 15) / 16 * 16;
    }
  }

  struct alignas(16) Unit {
    unsigned char bytes[16];
  };
  std::vector<Unit> bytes;
  std::vector<const unsigned char*> pointers;
};

// Counts down to a failure that was ordered.
bool is_due(int64_t& launches_left) { return launches_left > 0 && --launches_left == 0; }

cudaError_t launch_kernel(const void* stub, dim3 grid, dim3 block, void** arguments, size_t shared_bytes,
                          cudaStream_t handle) {
  const Lock lock("cudaLaunchKernel");
  const std::string* name = kernel_name(stub);
  const char* shown_name = name == nullptr ? "a kernel" : name->c_str();
  if (lock.error() != cudaSuccess) return remember_launch(lock.error(), shown_name);
  const Kernel* kernel = kernel_of_stub("launch", stub);
  if (kernel == nullptr) return remember_launch(cudaErrorInvalidDeviceFunction, shown_name);
  const cudaError_t error = check_configuration(*kernel, grid, block, shared_bytes);
  if (error != cudaSuccess) return remember_launch(error, shown_name);
  Stream* stream = find_stream(handle);
  if (stream == nullptr) {
    report_host(Fault::kBadCall, "launch of %s: no such stream, or a destroyed one", demangled(shown_name).c_str());
    return remember_launch(cudaErrorInvalidResourceHandle, shown_name);
  }
  if (stream->device != current_device()) {
    report_host(Fault::kBadCall, "launch of %s: the stream is of device %d, the current device is %d",
                demangled(shown_name).c_str(), stream->device, current_device());
    return remember_launch(cudaErrorInvalidResourceHandle, shown_name);
  }
  if (is_due(options().fail_launch)) return remember_launch(cudaErrorLaunchOutOfResources, shown_name);
  if (is_due(options().break_in_launch)) {
    enqueue(*stream, demangled(kernel->name), [](const Work& work) { break_device(work.device, Fault::kOutOfBounds); });
    return cudaSuccess;
  }
  auto copied = std::make_shared<Arguments>(*kernel, arguments);
  enqueue(*stream, demangled(kernel->name), [kernel, grid, block, shared_bytes, copied](const Work& work) {
    Launch launch;
    launch.kernel = kernel;
    launch.parameters = copied->pointers.data();
    launch.grid = {grid.x, grid.y, grid.z};
    launch.block = {block.x, block.y, block.z};
    launch.dynamic_shared_bytes = static_cast<uint32_t>(shared_bytes);
    launch.device = work.device;
    launch.number = static_cast<uint64_t>(++num_launches_so_far);
    launch.operation = &work.operation;
    launch.seed = options().seed == 0 ? 0 : options().seed * 0x9e3779b97f4a7c15u + launch.number;
    run_grid(launch);
    if (launch.failed) break_device(work.device, launch.fault);
  });
  return cudaSuccess;
}

int blocks_per_multiprocessor(const Kernel& kernel, int block_threads, size_t dynamic_shared_bytes) {
  if (block_threads < 1 || block_threads > max_threads(kernel)) return 0;
  // Registers are given to warps in units of 256, shared memory to blocks in units of 128 bytes.
  const int warps = (block_threads + 31) / 32;
  const int registers_per_warp = (num_registers(kernel) * 32 + 255) / 256 * 256;
  const int64_t shared = static_cast<int64_t>(kernel.static_shared_bytes + dynamic_shared_bytes + 127) / 128 * 128 +
                         kReservedSharedPerBlock;
  const int by_threads = kMaxThreadsPerMultiprocessor / (warps * 32);
  const int by_registers = kRegistersPerMultiprocessor / (registers_per_warp * warps);
  const int by_shared = static_cast<int>(kSharedPerMultiprocessor / shared);
  return std::min({kMaxBlocksPerMultiprocessor, by_threads, by_registers, by_shared});
}

}  // namespace

int64_t count_launches() { return num_launches_so_far; }

}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes, CUstream_st* stream) {
  call_configurations.push_back({grid, block, shared_bytes, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared_bytes, void* stream) {
  if (call_configurations.empty()) return cudaErrorMissingConfiguration;
  const CallConfiguration configuration = call_configurations.back();
  call_configurations.pop_back();
  *grid = configuration.grid;
  *block = configuration.block;
  *shared_bytes = configuration.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = configuration.stream;
  return cudaSuccess;
}

// The handle of a kernel is the address of its stub.
cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* stub) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(stub));
  return cudaSuccess;
}

cudaError_t cudaLaunchKernel(const void* stub, dim3 grid, dim3 block, void** arguments, size_t shared_bytes,
                             cudaStream_t stream) {
  return launch_kernel(stub, grid, block, arguments, shared_bytes, stream);
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, size_t shared_bytes,
                               cudaStream_t stream) {
  return launch_kernel(reinterpret_cast<const void*>(kernel), grid, block, arguments, shared_bytes, stream);
}

// Under --default-stream per-thread.
cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, size_t shared_bytes,
                                    cudaStream_t stream) {
  return launch_kernel(reinterpret_cast<const void*>(kernel), grid, block, arguments, shared_bytes,
                       stream == nullptr ? cudaStreamPerThread : stream);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* configuration, const void* stub, void** arguments) {
  for (unsigned index = 0; index < configuration->numAttrs; ++index) {
    // Priorities change nothing; all else (clusters, cooperative launches) isn't simulated.
    if (configuration->attrs[index].id != cudaLaunchAttributePriority) return remember(cudaErrorNotSupported);
  }
  return launch_kernel(stub, configuration->gridDim, configuration->blockDim, arguments,
                       configuration->dynamicSmemBytes, configuration->stream);
}

cudaError_t cudaFuncSetAttribute(const void* stub, cudaFuncAttribute attribute, int value) {
  const Lock lock("cudaFuncSetAttribute");
  if (lock.error() != cudaSuccess) return lock.error();
  const Kernel* kernel = kernel_of_stub("cudaFuncSetAttribute", stub);
  if (kernel == nullptr) return remember(cudaErrorInvalidDeviceFunction);
  if (attribute == cudaFuncAttributePreferredSharedMemoryCarveout) {
    return remember(value >= -1 && value <= 100 ? cudaSuccess : cudaErrorInvalidValue);
  }
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return remember(cudaErrorInvalidValue);
  if (value < 0 || value > kSharedPerBlockOptIn - static_cast<int>(kernel->static_shared_bytes)) {
    return remember(cudaErrorInvalidValue);
  }
  dynamic_shared_limits()[{kernel, current_device()}] = value;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* stub) {
  const Lock lock("cudaFuncGetAttributes");
  if (lock.error() != cudaSuccess) return lock.error();
  const Kernel* kernel = kernel_of_stub("cudaFuncGetAttributes", stub);
  if (kernel == nullptr) return remember(cudaErrorInvalidDeviceFunction);
  *attributes = {};
  attributes->sharedSizeBytes = kernel->static_shared_bytes;
  attributes->maxThreadsPerBlock = max_threads(*kernel);
  attributes->numRegs = num_registers(*kernel);
  attributes->ptxVersion = 90;
  attributes->binaryVersion = 90;
  attributes->maxDynamicSharedSizeBytes = max_dynamic_shared(*kernel);
  attributes->preferredShmemCarveout = -1;
  return cudaSuccess;
}

cudaError_t cudaFuncSetCacheConfig(const void* stub, cudaFuncCache) {
  const Lock lock("cudaFuncSetCacheConfig");
  if (lock.error() != cudaSuccess) return lock.error();
  return kernel_of_stub("cudaFuncSetCacheConfig", stub) == nullptr ? remember(cudaErrorInvalidDeviceFunction)
                                                                   : cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* num_blocks, const void* stub, int block_threads,
                                                                   size_t dynamic_shared_bytes, unsigned) {
  const Lock lock("cudaOccupancyMaxActiveBlocksPerMultiprocessor");
  if (lock.error() != cudaSuccess) return lock.error();
  const Kernel* kernel = kernel_of_stub("cudaOccupancyMaxActiveBlocksPerMultiprocessor", stub);
  if (kernel == nullptr) return remember(cudaErrorInvalidDeviceFunction);
  *num_blocks = blocks_per_multiprocessor(*kernel, block_threads, dynamic_shared_bytes);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* num_blocks, const void* stub, int block_threads,
                                                          size_t dynamic_shared_bytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(num_blocks, stub, block_threads, dynamic_shared_bytes,
                                                                0);
}

}  // extern "C"
