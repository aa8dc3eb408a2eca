// SPDX-License-Identifier: Apache-2.0
// The few CUDA calls that the engine makes, behind plain types. cuda_api_cuda.cc in a build with CUDA, cuda_api_none.cc
// in one without, where is_in_build() is false and nothing else may be called but what find_gpus() calls. Streams and
// events are CUDA's handles. Calls throw assay::Error with the call and the name of CUDA's error unless said otherwise.
// For engine/device and engine/memory alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/base/status.h"

namespace assay::cuda_api {

bool is_in_build();
// An error where there is no GPU or no driver, and where the build has no CUDA.
Result<int> device_count();

struct Properties {
  std::string name;
  int capability;  // times ten
  int multiprocessors;
  int64_t memory_bytes;
};
Properties properties(int device);

struct MemoryInfo {
  int64_t free_bytes;  // by the driver's account, and what the process's pool keeps unused
  int64_t total_bytes;
};
MemoryInfo memory_info(int device);
// Whether one GPU may read the other's memory directly; then this is switched on.
bool connect_peers(int device, int peer);

// Makes a GPU the calling thread's current one: kernels can be launched on its streams alone. Not undone: asking CUDA
// to go back to a GPU that was never used would set that one up, some hundred megabytes of its memory. Every call below
// that needs it does so by itself.
void make_current(int device);

// Streams do not wait for the legacy default stream.
void* create_stream(int device);
void destroy_stream(int device, void* stream) noexcept;
void synchronise_stream(int device, void* stream);
void synchronise_device(int device);  // all its streams
bool is_stream_idle(int device, void* stream);

void* create_event(int device);
void destroy_event(int device, void* event) noexcept;
void record_event(int device, void* event, void* stream);
void synchronise_event(int device, void* event);
bool is_event_done(int device, void* event);
// Work put on `stream`, which may belong to another GPU, from now on waits for what the event marks.
void wait_for_event(int device, void* stream, void* event);

// Memory that work on `stream` may use from here on, and after release no more. Null where the GPU has no room.
void* allocate(int device, size_t bytes, void* stream);
void release(int device, void* memory, void* stream) noexcept;

// Page-locked memory of the host, which copies can run beside other work from. Null where there is none left.
void* allocate_pinned(size_t bytes);
void release_pinned(void* memory) noexcept;

// Copies put on the stream; the host may be neither source nor destination of the last one. For the first two the
// caller keeps the host memory as it is until the stream has got past them.
void copy_to_device(int device, void* to, const void* from_host, size_t bytes, void* stream);
void copy_to_host(int device, void* to_host, const void* from, size_t bytes, void* stream);
void copy_between(int to_device, void* to, int from_device, const void* from, size_t bytes, void* stream);
void fill_zero(int device, void* memory, size_t bytes, void* stream);

}  // namespace assay::cuda_api
