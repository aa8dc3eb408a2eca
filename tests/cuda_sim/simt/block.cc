// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/block.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/cuda_sim/simt/memory_map.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

// A block whose threads only yield has a thread that spins on what never comes.
constexpr uint64_t kMaxIdleYields = 20'000'000;

// A bit of `mask`, about equally likely each.
uint32_t random_bit(uint32_t mask, uint32_t random) {
  const uint32_t turn = random & 31;
  const uint32_t turned = mask >> turn | mask << ((32 - turn) & 31);
  return (static_cast<uint32_t>(__builtin_ctz(turned)) + turn) & 31;
}

uint64_t next_random(uint64_t& state) {  // xorshift64, Marsaglia 2003
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace

Block::Block() : threads_(new Thread[kMaxThreads]), states_(new ThreadState[kMaxThreads]) {
  void* window =
      mmap(nullptr, kSharedWindowBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (window == MAP_FAILED) {
    std::perror("cuda_sim: no memory for shared memory");
    std::abort();
  }
  shared_base = static_cast<unsigned char*>(window);
}

void Block::prepare_launch(Launch& launch) {
  launch_ = &launch;
  if (prepared_launch_ == launch.number) return;
  prepared_launch_ = launch.number;
  ntid = launch.block;
  nctaid = launch.grid;
  num_threads = launch.block.x * launch.block.y * launch.block.z;
  num_warps = (num_threads + 31) / 32;
  device = launch.device;
  grid = launch.number;
  dynamic_shared_bytes = launch.dynamic_shared_bytes;
  total_shared_bytes = launch.dynamic_shared_bytes + launch.kernel->static_shared_bytes;
  shared_limits = launch.shared_limits.data();
  shared_window_bytes = launch.shared_window_bytes;
  const DeviceRange range = device_range(device);
  global_base = range.base;
  global_span = range.bytes;
  global_limits = range.limits;
  detailed = options().race;
  if (detailed && clock_ == nullptr) {
    clock_ = std::make_unique<BlockClock>();
    shared_shadow_ = std::make_unique<ShadowMemory>(reinterpret_cast<uint64_t>(shared_base));
  }
  for (uint32_t linear = 0; linear < num_threads; ++linear) {
    Thread& thread = threads_[linear];
    thread.block = this;
    thread.tid = {linear % ntid.x, linear / ntid.x % ntid.y, linear / ntid.x / ntid.y};
    thread.linear = linear;
    thread.lane = linear % 32;
    thread.warp = linear / 32;
    thread.state = &states_[linear];
  }
}

void Block::prepare_block(uint64_t index) {
  index_ = index;
  const uint64_t plane = uint64_t{nctaid.x} * nctaid.y;
  ctaid = {static_cast<uint32_t>(index % nctaid.x), static_cast<uint32_t>(index / nctaid.x % nctaid.y),
           static_cast<uint32_t>(index / plane)};
  ++run_number_;
  num_exited_ = 0;
  idle_yields_ = 0;
  abandoned_ = false;
  current_warp_ = 0;
  random_ = launch_->seed == 0 ? 0 : (launch_->seed ^ (index + 1)) * 0x9e3779b97f4a7c15u | 1;
  ready_warps_ = num_warps == 32 ? ~uint32_t{0} : (uint32_t{1} << num_warps) - 1;
  for (uint32_t warp = 0; warp < num_warps; ++warp) {
    ready_lanes_[warp] = existing_lanes(warp);
    exited_lanes_[warp] = 0;
  }
  for (uint32_t linear = 0; linear < num_threads; ++linear) {
    ThreadState& state = states_[linear];
    threads_[linear].local = nullptr;
    state.stack = nullptr;
    state.waiting = Waiting::kNothing;
    state.group = nullptr;
    state.copies.clear();
    state.copy_groups.clear();
  }
  std::memset(shared_base, 0xff, shared_window_bytes);
  if (detailed) clock_->start(num_threads);
}

void Block::run(Launch& launch, uint64_t index) {
  prepare_launch(launch);
  prepare_block(index);
  Thread* first = next_ready();
  assay_cuda_sim_switch(&scheduler_, resume_point(first));
  current_ = nullptr;
  if (!abandoned_ && num_exited_ == num_threads) return;
  if (!abandoned_) report_stuck();
  // What ran on the stacks is gone; so are its claims on groups and barriers.
  stacks_.reset();
  for (auto& open : open_groups_) open.clear();
  for (Barrier& barrier : barriers_) barrier = Barrier();
  free_groups_.clear();
  for (WarpGroup& group : groups_) free_groups_.push_back(&group);
}

Thread* Block::next_ready() {
  if (ready_warps_ == 0) return nullptr;
  progress_.store(progress_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (random_ != 0) return next_ready_at_random();
  uint32_t& lanes = ready_lanes_[current_warp_];
  if (lanes == 0) {
    current_warp_ = static_cast<uint32_t>(__builtin_ctz(ready_warps_));
    return next_ready();
  }
  const uint32_t lane = static_cast<uint32_t>(__builtin_ctz(lanes));
  lanes &= lanes - 1;
  if (lanes == 0) ready_warps_ &= ~(uint32_t{1} << current_warp_);
  return &threads_[current_warp_ * 32 + lane];
}

Thread* Block::next_ready_at_random() {
  const uint64_t random = next_random(random_);
  const uint32_t warp = random_bit(ready_warps_, static_cast<uint32_t>(random >> 16));
  const uint32_t lane = random_bit(ready_lanes_[warp], static_cast<uint32_t>(random >> 32));
  ready_lanes_[warp] &= ~(uint32_t{1} << lane);
  if (ready_lanes_[warp] == 0) ready_warps_ &= ~(uint32_t{1} << warp);
  return &threads_[warp * 32 + lane];
}

// Where to switch to so that `next` runs; null is the scheduler.
void* Block::resume_point(Thread* next) {
  if (next == nullptr) return scheduler_;
  current_ = next;
  if (next->state->stack != nullptr) return next->state->stack_pointer;
  starting_ = next;
  starting_stack_ = stacks_.take();
  return starting_stack_->start(&Block::run_threads, this);
}

// Everything that ever runs on one stack: one thread after the other, as long as there are some that haven't started.
void Block::run_threads(void* argument) {
  Block& block = *static_cast<Block*>(argument);
  Stack* const stack = block.starting_stack_;
  Thread* thread = block.starting_;
  while (true) {
    thread->state->stack = stack;
    block.launch_->kernel->run(*thread, block.launch_->parameters);
    block.mark_exited(*thread);
    thread = block.next_ready();
    if (thread == nullptr || thread->state->stack != nullptr) break;
    block.current_ = thread;
  }
  // Nobody takes this stack before the switch below has left it.
  block.stacks_.give_back(stack);
  void* dead = nullptr;
  assay_cuda_sim_switch(&dead, block.resume_point(thread));
}

void Block::mark_exited(Thread& thread) {
  ThreadState& state = *thread.state;
  state.waiting = Waiting::kExited;
  exited_lanes_[thread.warp] |= uint32_t{1} << thread.lane;
  ++num_exited_;
  idle_yields_ = 0;
  if (state.group != nullptr && --state.group->readers == 0) give_back_group(state.group);
  state.group = nullptr;
}

void Block::exit_thread(Thread& thread) {
  Stack* const stack = thread.state->stack;
  mark_exited(thread);
  // The next thread, if it has to start, takes another stack: this one is in use until the switch.
  void* const target = resume_point(next_ready());
  stacks_.give_back(stack);
  void* dead = nullptr;
  assay_cuda_sim_switch(&dead, target);
  std::abort();  // never resumed
}

void Block::wait(Thread& thread) {
  idle_yields_ = 0;
  assay_cuda_sim_switch(&thread.state->stack_pointer, resume_point(next_ready()));
}

void Block::wake(uint32_t warp, uint32_t lanes) {
  if (lanes == 0) return;
  ready_lanes_[warp] |= lanes;
  ready_warps_ |= uint32_t{1} << warp;
}

void Block::yield(Thread& thread) {
  if (++idle_yields_ > kMaxIdleYields) {
    fail(thread, Fault::kDeadlock, thread.state->where, "threads spin, and nobody brings what they wait for");
  }
  wake(thread.warp, uint32_t{1} << thread.lane);
  // Not the lowest lane first: it would get all the turns.
  uint64_t turns = idle_yields_ * 0x9e3779b97f4a7c15u | 1;
  std::swap(random_, turns);
  Thread* next = next_ready_at_random();
  std::swap(random_, turns);
  if (next == &thread) return;
  assay_cuda_sim_switch(&thread.state->stack_pointer, resume_point(next));
}

void Block::abandon(Fault fault) {
  abandoned_ = true;
  if (!launch_->failed.exchange(true)) launch_->fault = fault;
  void* dead = nullptr;
  assay_cuda_sim_switch(&dead, scheduler_);
  std::abort();  // never resumed
}

WarpGroup* Block::take_group() {
  if (free_groups_.empty()) {
    groups_.emplace_back();
    return &groups_.back();
  }
  WarpGroup* group = free_groups_.back();
  free_groups_.pop_back();
  return group;
}

// "96 threads wait at x.cu:12 (barrier 0), ..." for the report of a deadlock: each place once.
std::string Block::describe_waiting() {
  struct Place {
    const SourceLine* where;
    Waiting waiting;
    int64_t count;
  };
  std::vector<Place> places;
  for (uint32_t linear = 0; linear < num_threads; ++linear) {
    const ThreadState& state = states_[linear];
    if (state.waiting == Waiting::kExited) continue;
    auto same = [&](const Place& place) { return place.where == state.where && place.waiting == state.waiting; };
    auto known = std::find_if(places.begin(), places.end(), same);
    if (known == places.end()) known = places.insert(places.end(), {state.where, state.waiting, 0});
    ++known->count;
  }
  std::string text;
  for (const Place& place : places) {
    if (!text.empty()) text += ", ";
    text += std::to_string(place.count) + " at the " +
            (place.waiting == Waiting::kBarrier ? "barrier " : "warp operation ") + cuda_sim::place(place.where);
  }
  return text;
}

void Block::report_stuck() {
  const Thread* stuck = nullptr;
  for (uint32_t linear = 0; linear < num_threads && stuck == nullptr; ++linear) {
    if (states_[linear].waiting != Waiting::kExited) stuck = &threads_[linear];
  }
  // Threads that left before the others' barrier are a fault of divergence; a circle of waiting is a deadlock.
  const Fault fault = num_exited_ > 0 ? Fault::kDivergence : Fault::kDeadlock;
  report(*stuck, fault, stuck->state->where, "%u of %u threads have exited, the others wait for ever: %s", num_exited_,
         num_threads, describe_waiting().c_str());
  if (!launch_->failed.exchange(true)) launch_->fault = fault;
}

}  // namespace assay::cuda_sim
