// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include <mutex>
#include <set>

#include "engine/device/cuda_api.h"
#include "kernels/base/cuda_check.h"

namespace assay::cuda_api {
namespace {

cudaStream_t stream_of(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t event_of(void* event) { return static_cast<cudaEvent_t>(event); }

// Freed memory stays with the process's pool: giving it back to the driver at every synchronisation, as is CUDA's
// default, would turn each batch's buffers into new allocations. Once per GPU.
void keep_freed_memory(int device) {
  static std::mutex mutex;
  static std::set<int>* done = new std::set<int>;  // never destroyed: memory may be allocated while statics die
  const std::lock_guard<std::mutex> lock(mutex);
  if (!done->insert(device).second) return;
  cudaMemPool_t pool = nullptr;
  ASSAY_CUDA_CHECK(cudaDeviceGetDefaultMemPool(&pool, device));
  uint64_t everything = UINT64_MAX;
  ASSAY_CUDA_CHECK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &everything));
}

// The memory, or null where there is none left; then the error is taken back.
void* memory_or_null(cudaError_t error, void* memory, const char* call) {
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    return nullptr;
  }
  check_cuda_call(error, call);
  return memory;
}

}  // namespace

bool is_in_build() { return true; }

Result<int> device_count() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) {
    (void)cudaGetLastError();
    return Status::error("cudaGetDeviceCount: ", cudaGetErrorName(error), " (", cudaGetErrorString(error), ")");
  }
  return count;
}

Properties properties(int device) {
  cudaDeviceProp p = {};
  ASSAY_CUDA_CHECK(cudaGetDeviceProperties(&p, device));
  return {p.name, p.major * 10 + p.minor, p.multiProcessorCount, static_cast<int64_t>(p.totalGlobalMem)};
}

MemoryInfo memory_info(int device) {
  make_current(device);
  size_t free_bytes = 0, total_bytes = 0;
  ASSAY_CUDA_CHECK(cudaMemGetInfo(&free_bytes, &total_bytes));
  cudaMemPool_t pool = nullptr;
  ASSAY_CUDA_CHECK(cudaDeviceGetDefaultMemPool(&pool, device));
  uint64_t reserved = 0, used = 0;
  ASSAY_CUDA_CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
  ASSAY_CUDA_CHECK(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  return {static_cast<int64_t>(free_bytes + reserved - used), static_cast<int64_t>(total_bytes)};
}

bool connect_peers(int device, int peer) {
  make_current(device);
  int possible = 0;
  ASSAY_CUDA_CHECK(cudaDeviceCanAccessPeer(&possible, device, peer));
  if (possible == 0) return false;
  const cudaError_t error = cudaDeviceEnablePeerAccess(peer, 0);
  if (error == cudaErrorPeerAccessAlreadyEnabled) {
    (void)cudaGetLastError();
    return true;
  }
  check_cuda_call(error, "cudaDeviceEnablePeerAccess(peer, 0)");
  return true;
}

void make_current(int device) { ASSAY_CUDA_CHECK(cudaSetDevice(device)); }

void* create_stream(int device) {
  make_current(device);
  cudaStream_t stream = nullptr;
  ASSAY_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

// In destructors errors have no way out: they would be those of work that nobody waited for.
void destroy_stream(int, void* stream) noexcept { (void)cudaStreamDestroy(stream_of(stream)); }

void synchronise_stream(int device, void* stream) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaStreamSynchronize(stream_of(stream)));
}

void synchronise_device(int device) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaDeviceSynchronize());
}

bool is_stream_idle(int device, void* stream) {
  make_current(device);
  const cudaError_t error = cudaStreamQuery(stream_of(stream));
  if (error != cudaErrorNotReady) check_cuda_call(error, "cudaStreamQuery(stream)");
  return error == cudaSuccess;
}

void* create_event(int device) {
  make_current(device);
  cudaEvent_t event = nullptr;
  ASSAY_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  return event;
}

void destroy_event(int, void* event) noexcept { (void)cudaEventDestroy(event_of(event)); }

void record_event(int device, void* event, void* stream) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaEventRecord(event_of(event), stream_of(stream)));
}

void synchronise_event(int device, void* event) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaEventSynchronize(event_of(event)));
}

bool is_event_done(int device, void* event) {
  make_current(device);
  const cudaError_t error = cudaEventQuery(event_of(event));
  if (error != cudaErrorNotReady) check_cuda_call(error, "cudaEventQuery(event)");
  return error == cudaSuccess;
}

void wait_for_event(int device, void* stream, void* event) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaStreamWaitEvent(stream_of(stream), event_of(event), 0));
}

void* allocate(int device, size_t bytes, void* stream) {
  make_current(device);
  keep_freed_memory(device);
  // One at a time: what is waited for below must not be gone to another thread before it is asked for again.
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  void* memory = nullptr;
  cudaError_t error = cudaMallocAsync(&memory, bytes, stream_of(stream));
  if (error == cudaErrorMemoryAllocation) {
    // Memory freed on other streams comes back when they have got there, and what the pool holds in pieces with it.
    (void)cudaGetLastError();
    ASSAY_CUDA_CHECK(cudaDeviceSynchronize());
    cudaMemPool_t pool = nullptr;
    ASSAY_CUDA_CHECK(cudaDeviceGetDefaultMemPool(&pool, device));
    ASSAY_CUDA_CHECK(cudaMemPoolTrimTo(pool, 0));
    error = cudaMallocAsync(&memory, bytes, stream_of(stream));
  }
  return memory_or_null(error, memory, "cudaMallocAsync(&memory, bytes, stream)");
}

void release(int device, void* memory, void* stream) noexcept {
  (void)cudaSetDevice(device);
  (void)cudaFreeAsync(memory, stream_of(stream));
}

void* allocate_pinned(size_t bytes) {
  void* memory = nullptr;
  // Portable: one buffer may feed any GPU.
  const cudaError_t error = cudaHostAlloc(&memory, bytes, cudaHostAllocPortable);
  return memory_or_null(error, memory, "cudaHostAlloc(&memory, bytes, cudaHostAllocPortable)");
}

void release_pinned(void* memory) noexcept { (void)cudaFreeHost(memory); }

void copy_to_device(int device, void* to, const void* from_host, size_t bytes, void* stream) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaMemcpyAsync(to, from_host, bytes, cudaMemcpyHostToDevice, stream_of(stream)));
}

void copy_to_host(int device, void* to_host, const void* from, size_t bytes, void* stream) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaMemcpyAsync(to_host, from, bytes, cudaMemcpyDeviceToHost, stream_of(stream)));
}

void copy_between(int to_device, void* to, int from_device, const void* from, size_t bytes, void* stream) {
  make_current(to_device);
  if (to_device == from_device) {
    ASSAY_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(stream)));
  } else {
    ASSAY_CUDA_CHECK(cudaMemcpyPeerAsync(to, to_device, from, from_device, bytes, stream_of(stream)));
  }
}

void fill_zero(int device, void* memory, size_t bytes, void* stream) {
  make_current(device);
  ASSAY_CUDA_CHECK(cudaMemsetAsync(memory, 0, bytes, stream_of(stream)));
}

}  // namespace assay::cuda_api
