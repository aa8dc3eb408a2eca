// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/cudart/work.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <set>
#include <utility>

#include "tests/cuda_sim/cudart/runtime.h"
#include "tests/cuda_sim/simt/options.h"

namespace assay::cuda_sim {
namespace {

struct Queues {
  std::set<Stream*> streams;  // with handles, and destroyed ones that still have work
  std::set<Stream*> destroyed;
  std::map<int, Stream*> legacy;   // by device
  std::vector<uint32_t> sequence;  // per slot: operations so far
  std::vector<uint32_t> free_slots;
  StreamClock host;  // what the host has waited for
  uint64_t random = 0;
  std::condition_variable_any callback_done;
};

Queues& queues() {
  static auto* queues = new Queues;
  return *queues;
}

// Per-thread default streams belong to one OS thread and one device.
thread_local std::map<int, Stream*> thread_streams;

uint64_t next_random() {
  uint64_t& state = queues().random;
  state = state * 6364136223846793005u + 1442695040888963407u + options().seed;
  return state >> 33;
}

bool is_ready(const Work& work) {
  return !work.is_running &&
         std::all_of(work.after.begin(), work.after.end(), [](const WorkPointer& earlier) { return earlier->is_done; });
}

void finish(const WorkPointer& work) {
  Stream& stream = *work->stream;
  stream.pending.pop_front();
  work->is_done = true;
  work->after.clear();
  work->run = nullptr;
  work->host_ranges.clear();
  if (stream.pending.empty() && queues().destroyed.erase(&stream) > 0) {
    queues().free_slots.push_back(stream.slot);
    queues().streams.erase(&stream);
    work->stream = nullptr;
    delete &stream;
  }
}

// After a fault nothing runs on the device any more.
bool will_run(const Work& work) {
  return work.run != nullptr && (work.runs_always || device_error(work.device) == cudaSuccess);
}

// Takes a ready piece of work, which is the first of its stream.
void run_one(WorkPointer work) {
  if (will_run(*work)) {
    work->is_running = true;
    if (work->is_callback) {
      // The lock is free meanwhile, for other threads of the program. Held once: see wait_for().
      runtime_mutex().unlock();
      {
        const HostCallback in_callback;
        work->run(*work);
      }
      runtime_mutex().lock();
      queues().callback_done.notify_all();
    } else {
      work->run(*work);
    }
    work->is_running = false;
  }
  finish(work);
}

// What isn't done of `targets` and all they need, oldest first: what a piece of work needs is older than itself.
std::vector<WorkPointer> needed_by(const std::vector<WorkPointer>& targets) {
  std::vector<WorkPointer> needed;
  std::set<const Work*> seen;
  std::vector<WorkPointer> stack = targets;
  while (!stack.empty()) {
    WorkPointer work = std::move(stack.back());
    stack.pop_back();
    if (work == nullptr || work->is_done || !seen.insert(work.get()).second) continue;
    stack.insert(stack.end(), work->after.begin(), work->after.end());
    needed.push_back(std::move(work));
  }
  std::sort(needed.begin(), needed.end(),
            [](const auto& a, const auto& b) { return a->operation.id < b->operation.id; });
  return needed;
}

// The first of any stream that may run now, or null.
WorkPointer choose_at_random() {
  std::vector<WorkPointer> ready;
  for (Stream* stream : queues().streams) {
    if (!stream->pending.empty() && is_ready(*stream->pending.front())) ready.push_back(stream->pending.front());
  }
  if (ready.empty()) return nullptr;
  // The set is in order of addresses, which differ from run to run.
  std::sort(ready.begin(), ready.end(), [](const auto& a, const auto& b) { return a->operation.id < b->operation.id; });
  return ready[next_random() % ready.size()];
}

bool is_over(const std::vector<WorkPointer>& targets) {
  return std::all_of(targets.begin(), targets.end(),
                     [](const WorkPointer& target) { return target == nullptr || target->is_done; });
}

// Runs what it can of what the targets need. False: nothing, for a callback that another thread is in.
bool run_some(const std::vector<WorkPointer>& targets) {
  if (options().seed != 0) {
    const WorkPointer work = choose_at_random();
    if (work != nullptr) run_one(work);
    return work != nullptr;
  }
  bool has_run = false;
  for (const WorkPointer& work : needed_by(targets)) {
    // While a callback runs without the lock, others may have run this.
    if (work->is_done || !is_ready(*work)) continue;
    run_one(work);
    has_run = true;
  }
  return has_run;
}

void wait_for_all(const std::vector<WorkPointer>& targets) {
  while (!is_over(targets)) {
    if (!run_some(targets)) queues().callback_done.wait(runtime_mutex());
  }
  for (const WorkPointer& target : targets) {
    if (target != nullptr) join(queues().host, target->over);
  }
}

std::vector<WorkPointer> last_of_streams(int device) {
  std::vector<WorkPointer> targets;
  for (Stream* stream : queues().streams) {
    if (device < 0 || stream->device == device) targets.push_back(stream->last);
  }
  return targets;
}

Stream* default_stream(std::map<int, Stream*>& streams) {
  Stream*& stream = streams[current_device()];
  if (stream == nullptr) {
    stream = create_stream(current_device(), cudaStreamDefault, 0);
    stream->is_default = true;
  }
  return stream;
}

// The legacy default stream waits for all blocking streams of its device, and they wait for it.
void add_legacy_order(const Stream& stream, std::vector<WorkPointer>& after) {
  const auto legacy = queues().legacy.find(stream.device);
  if (legacy == queues().legacy.end() || (stream.flags & cudaStreamNonBlocking) != 0) return;
  if (legacy->second != &stream) {
    after.push_back(legacy->second->last);
    return;
  }
  for (const Stream* other : queues().streams) {
    const bool is_blocking = (other->flags & cudaStreamNonBlocking) == 0;
    if (other != &stream && other->device == stream.device && is_blocking) after.push_back(other->last);
  }
}

}  // namespace

Stream* find_stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return default_stream(queues().legacy);
  if (handle == cudaStreamPerThread) return default_stream(thread_streams);
  auto* stream = reinterpret_cast<Stream*>(handle);
  const bool is_known = queues().streams.count(stream) > 0 && queues().destroyed.count(stream) == 0;
  return is_known && !stream->is_default ? stream : nullptr;
}

Stream* create_stream(int device, unsigned flags, int priority) {
  Queues& q = queues();
  if (q.free_slots.empty()) {
    q.free_slots.push_back(static_cast<uint32_t>(q.sequence.size()));
    q.sequence.push_back(0);
  }
  auto* stream = new Stream;
  stream->device = device;
  stream->flags = flags;
  stream->priority = priority;
  stream->slot = q.free_slots.back();
  q.free_slots.pop_back();
  q.streams.insert(stream);
  return stream;
}

void destroy_stream(Stream* stream) {
  if (!stream->pending.empty()) {
    queues().destroyed.insert(stream);
    return;
  }
  queues().free_slots.push_back(stream->slot);
  queues().streams.erase(stream);
  delete stream;
}

WorkPointer enqueue(Stream& stream, std::string name, std::function<void(const Work&)> run,
                    std::vector<HostRange> host_ranges, std::vector<WorkPointer> after) {
  auto work = std::make_shared<Work>();
  work->stream = &stream;
  work->device = stream.device;
  work->run = std::move(run);
  work->host_ranges = std::move(host_ranges);
  after.push_back(stream.last);
  add_legacy_order(stream, after);
  work->operation.known = queues().host;
  for (WorkPointer& earlier : after) {
    if (earlier == nullptr) continue;
    join(work->operation.known, earlier->over);
    if (!earlier->is_done) work->after.push_back(std::move(earlier));
  }
  const uint32_t sequence = ++queues().sequence[stream.slot];
  work->over = work->operation.known;
  if (work->over.size() <= stream.slot) work->over.resize(stream.slot + 1, 0);
  work->over[stream.slot] = sequence;
  work->operation.id = enter_operation(stream.slot, sequence, name);
  work->name = std::move(name);
  stream.pending.push_back(work);
  stream.last = work;
  return work;
}

void wait_for(const WorkPointer& work) { wait_for_all({work}); }
void wait_for_stream(Stream& stream) { wait_for_all({stream.last}); }
void wait_for_device(int device) { wait_for_all(last_of_streams(device)); }
void run_everything() { wait_for_all(last_of_streams(-1)); }

bool poll(const WorkPointer& work) {
  if (work == nullptr) return true;
  if (work->is_done) {
    join(queues().host, work->over);
    return true;
  }
  for (const WorkPointer& needed : needed_by({work})) {
    if (!is_ready(*needed)) continue;
    run_one(needed);
    break;
  }
  return false;
}

const Work* pending_work_on_host(uint64_t begin, uint64_t bytes) {
  for (const Stream* stream : queues().streams) {
    for (const WorkPointer& work : stream->pending) {
      if (!will_run(*work)) continue;
      for (const HostRange& range : work->host_ranges) {
        if (range.overlaps(begin, bytes)) return work.get();
      }
    }
  }
  return nullptr;
}

}  // namespace assay::cuda_sim
