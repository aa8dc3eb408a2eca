// SPDX-License-Identifier: Apache-2.0
// Streams as queues of work that runs late on purpose: nothing happens before the program waits for it. What it waits
// for then runs in an order that streams and events allow: with seed 0 only what is needed, in the order in which it
// was given; with a seed any that may go first, also of other streams. A missing event shows as wrong results.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/cuda_sim/simt/order.h"

namespace assay::cuda_sim {

struct Stream;

// Host memory that pending work will read or write.
struct HostRange {
  uint64_t begin = 0;
  uint64_t bytes = 0;
  bool is_written = false;

  bool overlaps(uint64_t other, uint64_t other_bytes) const {
    return begin < other + other_bytes && other < begin + bytes;
  }
};

struct Work {
  Stream* stream = nullptr;
  int device = 0;
  std::string name;  // of the call or the kernel, for messages
  Operation operation;
  std::vector<std::shared_ptr<Work>> after;  // what must be over first; emptied when done
  StreamClock over;                          // what is over once this is: operation.known and itself
  std::function<void(const Work&)> run;      // null: a mark
  std::vector<HostRange> host_ranges;
  bool runs_always = false;  // also after a fault: bookkeeping
  bool is_callback = false;  // runs without the runtime's lock
  bool is_running = false;
  bool is_done = false;
};

using WorkPointer = std::shared_ptr<Work>;

struct Stream {
  int device = 0;
  unsigned flags = cudaStreamDefault;
  int priority = 0;
  uint32_t slot = 0;  // in StreamClock; taken again by a later stream, whose counting goes on
  std::deque<WorkPointer> pending;
  WorkPointer last;  // done or not; null before the first
  bool is_default = false;
};

// The stream of a handle: null, cudaStreamLegacy and cudaStreamPerThread mean the current device's. Null where there is
// no such stream.
Stream* find_stream(cudaStream_t handle);
Stream* create_stream(int device, unsigned flags, int priority);
// What is pending on it still runs.
void destroy_stream(Stream* stream);

// Puts work at the end of a stream. `after` may name further work to wait for.
WorkPointer enqueue(Stream& stream, std::string name, std::function<void(const Work&)> run,
                    std::vector<HostRange> host_ranges = {}, std::vector<WorkPointer> after = {});

// The host waits: everything that `work` needs runs, and maybe more.
void wait_for(const WorkPointer& work);
void wait_for_stream(Stream& stream);
void wait_for_device(int device);
void run_everything();
// Runs one piece of what `work` needs. For polling: progress, but never all at once. True: it was over already.
bool poll(const WorkPointer& work);

// The name of pending work that touches these bytes of host memory, or null.
const Work* pending_work_on_host(uint64_t begin, uint64_t bytes);

}  // namespace assay::cuda_sim
