// SPDX-License-Identifier: Apache-2.0
// Queues of work on a device, and marks in them.
//
// Every thread has a current stream per GPU, its own unless a StreamScope says otherwise; ops put their kernels there
// and return at once. What one stream writes, another may read: storage knows who used it last and makes the other
// stream wait (engine/memory/storage.h). The CPU has one stream without a handle, on which work is done when its call
// returns.
#pragma once

#include <memory>

#include "engine/device/device.h"

namespace assay {

class Event;

// Move-only. A stream that storage or an event still refers to lives on until they are gone.
class Stream {
 public:
  explicit Stream(Device device);
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&&) noexcept = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  Device device() const;
  // What kernels/base/kernel_table.h calls kernels with.
  StreamHandle handle() const;
  // Returns when all work put on it so far is done. Throws assay::Error where some of it failed.
  void synchronise() const;
  bool is_idle() const;
  // Work put here from now on waits until the event's stream has got to the event. The GPUs may differ.
  void wait_for(const Event& event) const;

  // What outlives the Stream; for storage.
  class State;
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

// A place in a stream. Move-only.
class Event {
 public:
  Event() = default;  // done
  // After all work put on the stream so far.
  explicit Event(const Stream& stream);
  Event(Event&& other) noexcept;
  Event& operator=(Event&& other) noexcept;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event();

  // Returns when the stream has got here.
  void synchronise() const;
  bool is_done() const;

 private:
  friend class Stream;
  Device device_;
  void* event_ = nullptr;
};

// The calling thread's.
const Stream& current_stream(Device device);

// Makes a stream the calling thread's current one on its device for as long as the scope lives. Scopes nest.
class StreamScope {
 public:
  explicit StreamScope(const Stream& stream);
  ~StreamScope();
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

 private:
  Device device_;
  const Stream* before_;
};

// Waits for the calling thread's current stream of the device.
void synchronise(Device device);
// Waits for every stream of the device, whatever thread put work there.
void synchronise_all(Device device);

// Of one stream, what storage needs: comparing, and making one wait for the other.
class Stream::State {
 public:
  explicit State(Device device);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Device device() const { return device_; }
  void* handle() const { return handle_; }
  // Work put here from now on waits for all that is on `other` now.
  void wait_for(State& other);

 private:
  Device device_;
  void* handle_ = nullptr;
  void* marker_ = nullptr;  // recorded anew for each wait: a wait means the event as it was when it was asked for
};

}  // namespace assay
