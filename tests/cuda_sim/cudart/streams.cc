// SPDX-License-Identifier: Apache-2.0
// Streams, events, callbacks, and waiting for all of them.
#include <chrono>
#include <set>

#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/cudart/work.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Event {
  int device = 0;
  unsigned flags = 0;
  WorkPointer work;  // of the last record; null: never recorded
  SteadyTime time;
};

std::set<Event*>& events() {
  static auto* events = new std::set<Event*>;
  return *events;
}

Event* find_event(cudaEvent_t handle) {
  auto* event = reinterpret_cast<Event*>(handle);
  return events().count(event) > 0 ? event : nullptr;
}

// The error of a handle that is none. A GPU's runtime may crash here.
cudaError_t bad_handle(const char* function) {
  report_host(Fault::kBadCall, "%s: no such stream or event, or a destroyed one", function);
  return remember(cudaErrorInvalidResourceHandle);
}

// The error that a wait returns: what broke the device meanwhile.
cudaError_t after_wait(int device) { return remember(device_error(device)); }

}  // namespace
}  // namespace assay::cuda_sim

using namespace assay::cuda_sim;  // NOLINT: the functions below are the runtime's own, in C

extern "C" {

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* handle, unsigned flags, int priority) {
  const Lock lock("cudaStreamCreateWithPriority");
  if (lock.error() != cudaSuccess) return lock.error();
  if ((flags & ~static_cast<unsigned>(cudaStreamNonBlocking)) != 0) return remember(cudaErrorInvalidValue);
  *handle = reinterpret_cast<cudaStream_t>(create_stream(current_device(), flags, priority));
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
  return cudaStreamCreateWithPriority(handle, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t* handle) { return cudaStreamCreateWithFlags(handle, cudaStreamDefault); }

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Lock lock("cudaStreamDestroy");
  Stream* stream = handle == nullptr ? nullptr : find_stream(handle);
  if (stream == nullptr || stream->is_default) return bad_handle("cudaStreamDestroy");
  destroy_stream(stream);
  return lock.error();
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Lock lock("cudaStreamSynchronize");
  if (lock.error() != cudaSuccess) return lock.error();
  check_launches_were_asked_for("cudaStreamSynchronize");
  Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_handle("cudaStreamSynchronize");
  const int device = stream->device;
  wait_for_stream(*stream);
  return after_wait(device);
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Lock lock("cudaStreamQuery");
  if (lock.error() != cudaSuccess) return lock.error();
  Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_handle("cudaStreamQuery");
  const int device = stream->device;
  if (!poll(stream->last)) return cudaErrorNotReady;
  return after_wait(device);
}

cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned* flags) {
  const Lock lock("cudaStreamGetFlags");
  const Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_handle("cudaStreamGetFlags");
  *flags = stream->flags;
  return lock.error();
}

cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
  const Lock lock("cudaStreamGetPriority");
  const Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_handle("cudaStreamGetPriority");
  *priority = stream->priority;
  return lock.error();
}

cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* device) {
  const Lock lock("cudaStreamGetDevice");
  const Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_handle("cudaStreamGetDevice");
  *device = stream->device;
  return lock.error();
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned) {
  const Lock lock("cudaStreamWaitEvent");
  if (lock.error() != cudaSuccess) return lock.error();
  Stream* stream = find_stream(handle);
  const Event* event = find_event(event_handle);
  if (stream == nullptr || event == nullptr) return bad_handle("cudaStreamWaitEvent");
  if (event->work != nullptr) enqueue(*stream, "cudaStreamWaitEvent", nullptr, {}, {event->work});
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  const Lock lock("cudaLaunchHostFunc");
  if (lock.error() != cudaSuccess) return lock.error();
  Stream* stream = find_stream(handle);
  if (stream == nullptr) return bad_handle("cudaLaunchHostFunc");
  const WorkPointer work = enqueue(*stream, "cudaLaunchHostFunc", [function, data](const Work&) { function(data); });
  work->is_callback = true;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned flags) {
  const Lock lock("cudaEventCreateWithFlags");
  if (lock.error() != cudaSuccess) return lock.error();
  auto* event = new Event;
  event->device = current_device();
  event->flags = flags;
  events().insert(event);
  *handle = reinterpret_cast<cudaEvent_t>(event);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* handle) { return cudaEventCreateWithFlags(handle, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  const Lock lock("cudaEventDestroy");
  Event* event = find_event(handle);
  if (event == nullptr) return bad_handle("cudaEventDestroy");
  events().erase(event);
  delete event;
  return lock.error();
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t handle, cudaStream_t stream_handle, unsigned) {
  const Lock lock("cudaEventRecord");
  if (lock.error() != cudaSuccess) return lock.error();
  Event* event = find_event(handle);
  Stream* stream = find_stream(stream_handle);
  if (event == nullptr || stream == nullptr) return bad_handle("cudaEventRecord");
  if (event->device != stream->device) {
    report_host(Fault::kBadCall, "cudaEventRecord: an event of device %d on a stream of device %d", event->device,
                stream->device);
    return remember(cudaErrorInvalidResourceHandle);
  }
  event->work = enqueue(*stream, "cudaEventRecord", [event](const Work& work) {
    // The event may be gone, or recorded again, by the time its stream gets here.
    if (events().count(event) > 0 && event->work.get() == &work) event->time = std::chrono::steady_clock::now();
  });
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  return cudaEventRecordWithFlags(handle, stream, 0);
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  const Lock lock("cudaEventSynchronize");
  if (lock.error() != cudaSuccess) return lock.error();
  check_launches_were_asked_for("cudaEventSynchronize");
  const Event* event = find_event(handle);
  if (event == nullptr) return bad_handle("cudaEventSynchronize");
  const int device = event->device;
  if (event->work != nullptr) wait_for(WorkPointer(event->work));
  return after_wait(device);
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  const Lock lock("cudaEventQuery");
  if (lock.error() != cudaSuccess) return lock.error();
  const Event* event = find_event(handle);
  if (event == nullptr) return bad_handle("cudaEventQuery");
  const int device = event->device;
  if (event->work != nullptr && !poll(WorkPointer(event->work))) return cudaErrorNotReady;
  return after_wait(device);
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start_handle, cudaEvent_t end_handle) {
  const Lock lock("cudaEventElapsedTime");
  if (lock.error() != cudaSuccess) return lock.error();
  const Event* start = find_event(start_handle);
  const Event* end = find_event(end_handle);
  if (start == nullptr || end == nullptr) return bad_handle("cudaEventElapsedTime");
  const bool has_times = (start->flags & cudaEventDisableTiming) == 0 && (end->flags & cudaEventDisableTiming) == 0;
  if (!has_times || start->work == nullptr || end->work == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (!start->work->is_done || !end->work->is_done) return cudaErrorNotReady;
  *ms = std::chrono::duration<float, std::milli>(end->time - start->time).count();
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const Lock lock("cudaDeviceSynchronize");
  if (lock.error() != cudaSuccess) return lock.error();
  check_launches_were_asked_for("cudaDeviceSynchronize");
  const int device = current_device();
  wait_for_device(device);
  return after_wait(device);
}

}  // extern "C"
