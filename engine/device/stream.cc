// SPDX-License-Identifier: Apache-2.0
#include "engine/device/stream.h"

#include <map>
#include <mutex>
#include <utility>

#include "engine/device/cuda_api.h"

namespace assay {

// ---- Stream

Stream::State::State(Device device) : device_(device) {
  if (!device_.is_cpu()) handle_ = cuda_api::create_stream(device_.index);
}

Stream::State::~State() {
  if (marker_ != nullptr) cuda_api::destroy_event(device_.index, marker_);
  if (handle_ != nullptr) cuda_api::destroy_stream(device_.index, handle_);
}

void Stream::State::wait_for(State& other) {
  // One lock for all: recording and waiting must not be torn apart by another thread that uses the same marker.
  static std::mutex mutex;
  const std::lock_guard<std::mutex> lock(mutex);
  if (other.marker_ == nullptr) other.marker_ = cuda_api::create_event(other.device_.index);
  cuda_api::record_event(other.device_.index, other.marker_, other.handle_);
  cuda_api::wait_for_event(device_.index, handle_, other.marker_);
}

Stream::Stream(Device device) : state_(std::make_shared<State>(device)) {}
Stream::~Stream() = default;

Device Stream::device() const { return state_->device(); }

StreamHandle Stream::handle() const { return {state_->device().backend, state_->handle()}; }

void Stream::synchronise() const {
  if (!device().is_cpu()) cuda_api::synchronise_stream(device().index, state_->handle());
}

bool Stream::is_idle() const { return device().is_cpu() || cuda_api::is_stream_idle(device().index, state_->handle()); }

void Stream::wait_for(const Event& event) const {
  if (event.event_ == nullptr) return;
  if (device().is_cpu()) {
    event.synchronise();
  } else {
    cuda_api::wait_for_event(device().index, state_->handle(), event.event_);
  }
}

// ---- Event

Event::Event(const Stream& stream) : device_(stream.device()) {
  if (device_.is_cpu()) return;
  event_ = cuda_api::create_event(device_.index);
  try {
    cuda_api::record_event(device_.index, event_, stream.handle().cuda_stream);
  } catch (...) {
    cuda_api::destroy_event(device_.index, event_);
    throw;
  }
}

Event::Event(Event&& other) noexcept { *this = std::move(other); }

Event& Event::operator=(Event&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(event_, other.event_);
  return *this;
}

Event::~Event() {
  if (event_ != nullptr) cuda_api::destroy_event(device_.index, event_);
}

void Event::synchronise() const {
  if (event_ != nullptr) cuda_api::synchronise_event(device_.index, event_);
}

bool Event::is_done() const { return event_ == nullptr || cuda_api::is_event_done(device_.index, event_); }

// ---- The current stream

namespace {

struct ThreadStreams {
  std::map<Device, std::unique_ptr<Stream>> own;
  std::map<Device, const Stream*> chosen;  // by scopes
};

ThreadStreams& thread_streams() {
  thread_local ThreadStreams streams;
  return streams;
}

}  // namespace

const Stream& current_stream(Device device) {
  ThreadStreams& streams = thread_streams();
  const auto chosen = streams.chosen.find(device);
  if (chosen != streams.chosen.end() && chosen->second != nullptr) return *chosen->second;
  std::unique_ptr<Stream>& own = streams.own[device];
  if (!own) own = std::make_unique<Stream>(device);
  return *own;
}

StreamScope::StreamScope(const Stream& stream) : device_(stream.device()) {
  before_ = std::exchange(thread_streams().chosen[device_], &stream);
}

StreamScope::~StreamScope() { thread_streams().chosen[device_] = before_; }

void synchronise(Device device) { current_stream(device).synchronise(); }

void synchronise_all(Device device) {
  if (!device.is_cpu()) cuda_api::synchronise_device(device.index);
}

}  // namespace assay
