// SPDX-License-Identifier: Apache-2.0
// What the simulated devices say of themselves, and access from one to another.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <map>

#include "tests/cuda_sim/cudart/device_model.h"
#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"

namespace assay::cuda_sim {
namespace {

cudaDeviceProp properties_of(int device) {
  cudaDeviceProp properties = {};
  std::snprintf(properties.name, sizeof properties.name, "Simulated H100 (Assay)");
  properties.uuid.bytes[15] = static_cast<char>(device + 1);
  properties.totalGlobalMem = options().memory_bytes;
  properties.sharedMemPerBlock = kSharedPerBlock;
  properties.sharedMemPerBlockOptin = kSharedPerBlockOptIn;
  properties.sharedMemPerMultiprocessor = kSharedPerMultiprocessor;
  properties.reservedSharedMemPerBlock = kReservedSharedPerBlock;
  properties.regsPerBlock = kRegistersPerBlock;
  properties.regsPerMultiprocessor = kRegistersPerMultiprocessor;
  properties.warpSize = 32;
  properties.memPitch = 2147483647;
  properties.maxThreadsPerBlock = kMaxThreadsPerBlock;
  properties.maxThreadsPerMultiProcessor = kMaxThreadsPerMultiprocessor;
  properties.maxBlocksPerMultiProcessor = kMaxBlocksPerMultiprocessor;
  for (int axis = 0; axis < 3; ++axis) {
    properties.maxThreadsDim[axis] = kMaxBlockDim[axis];
    properties.maxGridSize[axis] = static_cast<int>(kMaxGridDim[axis]);
  }
  properties.totalConstMem = kConstantBytes;
  properties.major = 9;
  properties.minor = 0;
  properties.textureAlignment = 512;
  properties.texturePitchAlignment = 32;
  properties.surfaceAlignment = 512;
  properties.multiProcessorCount = kNumMultiprocessors;
  properties.concurrentKernels = 1;
  properties.ECCEnabled = 1;
  properties.pciBusID = device + 1;
  properties.asyncEngineCount = 3;
  properties.unifiedAddressing = 1;
  properties.memoryBusWidth = 5120;
  properties.l2CacheSize = kL2Bytes;
  properties.streamPrioritiesSupported = 1;
  properties.globalL1CacheSupported = 1;
  properties.localL1CacheSupported = 1;
  properties.computePreemptionSupported = 1;
  properties.hostRegisterSupported = 1;
  properties.memoryPoolsSupported = 1;
  // Managed and mapped memory, cooperative launches and clusters aren't simulated: their fields stay 0.
  return properties;
}

// The attributes a program may want; those not here are errors, never a made-up value.
const std::map<cudaDeviceAttr, int>& attributes() {
  static const auto* attributes = new std::map<cudaDeviceAttr, int>{
      {cudaDevAttrMaxThreadsPerBlock, kMaxThreadsPerBlock},
      {cudaDevAttrMaxBlockDimX, kMaxBlockDim[0]},
      {cudaDevAttrMaxBlockDimY, kMaxBlockDim[1]},
      {cudaDevAttrMaxBlockDimZ, kMaxBlockDim[2]},
      {cudaDevAttrMaxGridDimX, static_cast<int>(kMaxGridDim[0])},
      {cudaDevAttrMaxGridDimY, static_cast<int>(kMaxGridDim[1])},
      {cudaDevAttrMaxGridDimZ, static_cast<int>(kMaxGridDim[2])},
      {cudaDevAttrMaxSharedMemoryPerBlock, kSharedPerBlock},
      {cudaDevAttrMaxSharedMemoryPerBlockOptin, kSharedPerBlockOptIn},
      {cudaDevAttrMaxSharedMemoryPerMultiprocessor, kSharedPerMultiprocessor},
      {cudaDevAttrReservedSharedMemoryPerBlock, kReservedSharedPerBlock},
      {cudaDevAttrTotalConstantMemory, kConstantBytes},
      {cudaDevAttrWarpSize, 32},
      {cudaDevAttrMaxRegistersPerBlock, kRegistersPerBlock},
      {cudaDevAttrMaxRegistersPerMultiprocessor, kRegistersPerMultiprocessor},
      {cudaDevAttrMultiProcessorCount, kNumMultiprocessors},
      {cudaDevAttrMaxThreadsPerMultiProcessor, kMaxThreadsPerMultiprocessor},
      {cudaDevAttrMaxBlocksPerMultiprocessor, kMaxBlocksPerMultiprocessor},
      {cudaDevAttrComputeCapabilityMajor, 9},
      {cudaDevAttrComputeCapabilityMinor, 0},
      {cudaDevAttrClockRate, 1980000},
      {cudaDevAttrMemoryClockRate, 2619000},
      {cudaDevAttrGlobalMemoryBusWidth, 5120},
      {cudaDevAttrL2CacheSize, kL2Bytes},
      {cudaDevAttrAsyncEngineCount, 3},
      {cudaDevAttrConcurrentKernels, 1},
      {cudaDevAttrUnifiedAddressing, 1},
      {cudaDevAttrMemoryPoolsSupported, 1},
      {cudaDevAttrStreamPrioritiesSupported, 1},
      {cudaDevAttrComputePreemptionSupported, 1},
      {cudaDevAttrHostRegisterSupported, 1},
      {cudaDevAttrEccEnabled, 1},
      {cudaDevAttrIntegrated, 0},
      {cudaDevAttrManagedMemory, 0},
      {cudaDevAttrConcurrentManagedAccess, 0},
      {cudaDevAttrPageableMemoryAccess, 0},
      {cudaDevAttrCanMapHostMemory, 0},
      {cudaDevAttrCooperativeLaunch, 0},
      {cudaDevAttrKernelExecTimeout, 0},
      {cudaDevAttrTextureAlignment, 512},
      {cudaDevAttrMaxPitch, 2147483647},
      {cudaDevAttrComputeMode, cudaComputeModeDefault},
  };
  return *attributes;
}

}  // namespace
}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  const cudaError_t error = check_device(device);
  if (error == cudaSuccess) *properties = properties_of(device);
  return remember(error);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  const cudaError_t error = check_device(device);
  if (error != cudaSuccess) return remember(error);
  if (attribute == cudaDevAttrPciBusId) {
    *value = device + 1;
    return cudaSuccess;
  }
  const auto found = attributes().find(attribute);
  if (found == attributes().end()) return remember(cudaErrorInvalidValue);
  *value = found->second;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  const cudaError_t error = check_device(device);
  if (error == cudaSuccess) std::snprintf(text, static_cast<size_t>(length), "0000:%02x:00.0", device + 1);
  return remember(error);
}

cudaError_t cudaSetDeviceFlags(unsigned) { return cudaSuccess; }

cudaError_t cudaDeviceSetLimit(cudaLimit, size_t) { return cudaSuccess; }

cudaError_t cudaDeviceReset() {
  // Memory and streams of other parts of the program would vanish with it: nothing that a test should do.
  return remember(cudaErrorNotSupported);
}

cudaError_t cudaDeviceCanAccessPeer(int* can_access, int device, int peer) {
  if (check_device(device) != cudaSuccess || check_device(peer) != cudaSuccess) {
    return remember(cudaErrorInvalidDevice);
  }
  *can_access = device != peer ? 1 : 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  const Lock lock("cudaDeviceEnablePeerAccess");
  if (lock.error() != cudaSuccess) return lock.error();
  if (check_device(peer) != cudaSuccess || peer == current_device()) return remember(cudaErrorInvalidDevice);
  if (flags != 0) return remember(cudaErrorInvalidValue);
  if (has_peer_access(current_device(), peer, AllocationKind::kDevice))
    return remember(cudaErrorPeerAccessAlreadyEnabled);
  set_peer_access(current_device(), peer, AllocationKind::kDevice, true);
  return cudaSuccess;
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  const Lock lock("cudaDeviceDisablePeerAccess");
  if (lock.error() != cudaSuccess) return lock.error();
  if (check_device(peer) != cudaSuccess) return remember(cudaErrorInvalidDevice);
  if (peer == current_device() || !has_peer_access(current_device(), peer, AllocationKind::kDevice)) {
    return remember(cudaErrorPeerAccessNotEnabled);
  }
  // Kernels that were launched before may still use it.
  wait_for_device(current_device());
  set_peer_access(current_device(), peer, AllocationKind::kDevice, false);
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

}  // extern "C"
