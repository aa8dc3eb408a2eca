// SPDX-License-Identifier: Apache-2.0
// One running block: its threads, who waits for what, and who runs next.
//
// A thread runs until it waits. It then picks the next ready thread and switches to it directly; a thread that exits
// runs the next one that hasn't started yet on the same stack, so that kernels without barriers never switch at all.
// Ready threads are a bit each: 32 warps of 32 lanes. In order (seed 0) a warp goes on while it can, lane by lane;
// with a seed warps and lanes come at random, and code that counts on lockstep or luck breaks, as it should.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "tests/cuda_sim/simt/block_clock.h"
#include "tests/cuda_sim/simt/fiber.h"
#include "tests/cuda_sim/simt/launch.h"
#include "tests/cuda_sim/simt/shadow.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

constexpr uint32_t kMaxThreads = 1024;
constexpr uint32_t kMaxWarps = kMaxThreads / 32;
constexpr uint32_t kNumBarriers = 16;
// More than any device has, plus room for red zones between arrays.
constexpr uint32_t kSharedWindowBytes = 1 << 20;

// Lanes that meet at one warp operation.
struct WarpGroup {
  WarpValues values;
  WarpOp op;
  uint32_t qualifiers;
  uint32_t mask;      // as the lanes gave it
  uint32_t expected;  // lanes of the mask that exist
  uint32_t arrived;
  uint32_t readers;  // lanes that may still read the values
  bool aligned;
  const SourceLine* where;
};

struct PendingCopy {
  uint64_t shared_offset;
  uint64_t global_address;
  uint32_t bytes;
  uint32_t source_bytes;
  const SourceLine* where;
};

// What a thread does while it isn't running.
enum class Waiting : uint8_t { kNothing, kBarrier, kWarp, kExited };

struct ThreadState {
  void* stack_pointer = nullptr;
  Stack* stack = nullptr;  // null: not started yet
  Waiting waiting = Waiting::kNothing;
  uint32_t barrier_id = 0;
  uint32_t barrier_result = 0;
  const SourceLine* where = nullptr;  // of what it waits for
  WarpGroup* group = nullptr;         // of its last warp operation
  std::vector<PendingCopy> copies;    // cp.async not waited for, oldest first
  std::vector<size_t> copy_groups;    // per committed group: the end of its copies in `copies`
};

struct Barrier {
  uint32_t expected = 0;
  uint32_t arrived = 0;  // 0: nobody is here
  uint32_t num_true = 0;
  BarrierKind reduction = BarrierKind::kSync;
  bool whole_block = false;
  const SourceLine* where = nullptr;             // of the first to come
  const SourceLine* warp_where[kMaxWarps] = {};  // of the first of each warp
  uint32_t waiting[kMaxWarps] = {};              // lanes that wait
  uint32_t arrived_only[kMaxWarps] = {};         // lanes that came with bar.arrive
};

class Block : public BlockContext {
 public:
  Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  // Runs block `index` of the grid to its end, or until it fails.
  void run(Launch& launch, uint64_t index);

  const Launch& launch() const { return *launch_; }
  Thread& thread(uint32_t linear) { return threads_[linear]; }
  ThreadState& state(uint32_t linear) { return states_[linear]; }
  uint32_t existing_lanes(uint32_t warp) const {
    const uint32_t rest = num_threads - warp * 32;
    return rest >= 32 ? ~uint32_t{0} : (uint32_t{1} << rest) - 1;
  }
  uint32_t exited_lanes(uint32_t warp) const { return exited_lanes_[warp]; }

  // The calling thread waits; returns when somebody wakes it.
  void wait(Thread& thread);
  void wake(uint32_t warp, uint32_t lanes);
  // Lets others run; the calling thread stays ready.
  void yield(Thread& thread);
  [[noreturn]] void exit_thread(Thread& thread);
  [[noreturn]] void abandon(Fault fault);

  WarpGroup* take_group();
  void give_back_group(WarpGroup* group) { free_groups_.push_back(group); }
  std::vector<WarpGroup*>& open_groups(uint32_t warp) { return open_groups_[warp]; }
  Barrier& barrier(uint32_t id) { return barriers_[id]; }

  // Race detection; only while `detailed`.
  BlockClock& clock() { return *clock_; }
  ShadowMemory& shared_shadow() { return *shared_shadow_; }
  uint32_t run_number() const { return run_number_; }  // tells this block's records in the shadow from older ones
  uint64_t linear_index() const { return index_; }

  uint64_t tick() { return ++ticks_; }
  // Changes whenever another thread goes on: the watchdog's sign of life.
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }
  const Thread* current() const { return current_; }
  const StackPool& stacks() const { return stacks_; }

 private:
  static void run_threads(void* block);
  void prepare_launch(Launch& launch);
  void prepare_block(uint64_t index);
  Thread* next_ready();
  Thread* next_ready_at_random();
  void* resume_point(Thread* next);
  void mark_exited(Thread& thread);
  void report_stuck();
  std::string describe_waiting();

  Launch* launch_ = nullptr;
  uint64_t prepared_launch_ = 0;
  uint64_t index_ = 0;
  uint32_t run_number_ = 0;
  std::unique_ptr<Thread[]> threads_;
  std::unique_ptr<ThreadState[]> states_;
  uint32_t ready_warps_ = 0;
  uint32_t ready_lanes_[kMaxWarps] = {};
  uint32_t exited_lanes_[kMaxWarps] = {};
  uint32_t num_exited_ = 0;
  uint32_t current_warp_ = 0;
  Thread* current_ = nullptr;
  uint64_t random_ = 1;
  uint64_t ticks_ = 0;
  uint64_t idle_yields_ = 0;
  std::atomic<uint64_t> progress_{0};

  StackPool stacks_;
  void* scheduler_ = nullptr;
  Thread* starting_ = nullptr;  // for a stack that starts: what to run, and which it is
  Stack* starting_stack_ = nullptr;
  bool abandoned_ = false;

  Barrier barriers_[kNumBarriers];
  std::vector<WarpGroup*> open_groups_[kMaxWarps];
  std::deque<WarpGroup> groups_;
  std::vector<WarpGroup*> free_groups_;

  std::unique_ptr<BlockClock> clock_;
  std::unique_ptr<ShadowMemory> shared_shadow_;
};

inline Block& block_of(const Thread& thread) { return static_cast<Block&>(*thread.block); }
inline const Launch& launch_of(const Thread& thread) { return block_of(thread).launch(); }

[[noreturn]] inline void abandon(Thread& thread, Fault fault) { block_of(thread).abandon(fault); }

}  // namespace assay::cuda_sim
