// SPDX-License-Identifier: Apache-2.0
// Barriers of a block.
#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

void check_call(Thread& thread, uint32_t id, uint32_t count, BarrierKind kind, const SourceLine* where) {
  const uint32_t num_threads = thread.block->num_threads;
  if (id >= kNumBarriers) fail(thread, Fault::kDivergence, where, "barrier %u: there are 16", id);
  if (count % 32 != 0) fail(thread, Fault::kDivergence, where, "a barrier of %u threads: not a multiple of 32", count);
  if (count > (num_threads + 31) / 32 * 32) {
    fail(thread, Fault::kDivergence, where, "a barrier of %u threads in a block of %u", count, num_threads);
  }
  if (kind == BarrierKind::kArrive && count == 0) {
    fail(thread, Fault::kDivergence, where, "bar.arrive without a number of threads");
  }
}

// Threads of one warp must be at the same aligned instruction, and all threads of a block-wide barrier at one line.
// The second is stricter than the hardware, and what CUDA C++ asks of __syncthreads().
void check_meets_others(Thread& thread, const Barrier& barrier, bool aligned, bool whole_block, uint32_t expected,
                        const SourceLine* where) {
  if (barrier.arrived == 0) return;
  if (barrier.whole_block != whole_block || barrier.expected != expected) {
    fail(thread, Fault::kDivergence, where, "a barrier of %u threads meets the one of %u threads at %s", expected,
         barrier.expected, place(barrier.where).c_str());
  }
  if (!aligned) return;
  const SourceLine* of_warp = barrier.warp_where[thread.warp];
  if (of_warp != nullptr && of_warp != where) {
    fail(thread, Fault::kDivergence, where, "threads of one warp at different barriers: the other one is at %s",
         place(of_warp).c_str());
  }
  if (whole_block && !is_same_place(barrier.where, where)) {
    fail(thread, Fault::kDivergence, where, "threads of one block at different barriers: the other one is at %s",
         place(barrier.where).c_str());
  }
}

uint32_t reduced(const Barrier& barrier) {
  switch (barrier.reduction) {
    case BarrierKind::kReducePopc:
      return barrier.num_true;
    case BarrierKind::kReduceAnd:
      return barrier.num_true == barrier.arrived ? 1 : 0;
    case BarrierKind::kReduceOr:
      return barrier.num_true != 0 ? 1 : 0;
    case BarrierKind::kSync:
    case BarrierKind::kArrive:
      break;
  }
  return 0;
}

// Everybody is here: all that wait go on. The caller is one of them and doesn't wait at all.
void complete(Thread& last, uint32_t id, Barrier& barrier) {
  Block& block = block_of(last);
  const uint32_t result = reduced(barrier);
  for (uint32_t warp = 0; warp < block.num_warps; ++warp) {
    const uint32_t lanes = barrier.waiting[warp];
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
      const uint32_t linear = warp * 32 + static_cast<uint32_t>(__builtin_ctz(rest));
      ThreadState& state = block.state(linear);
      state.waiting = Waiting::kNothing;
      state.barrier_result = result;
      if (block.detailed && !barrier.whole_block) block.clock().acquire(id, linear);
    }
    block.wake(warp, warp == last.warp ? lanes & ~(uint32_t{1} << last.lane) : lanes);
    barrier.waiting[warp] = 0;
    barrier.arrived_only[warp] = 0;
    barrier.warp_where[warp] = nullptr;
  }
  if (block.detailed) {
    if (barrier.whole_block) {
      block.clock().whole_block_barrier();
    } else {
      block.clock().end_barrier(id);
    }
  }
  barrier.arrived = 0;
  barrier.num_true = 0;
}

}  // namespace

uint32_t barrier(Thread& thread, uint32_t id, uint32_t count, BarrierKind kind, bool predicate, bool aligned,
                 const SourceLine* where) {
  Block& block = block_of(thread);
  check_call(thread, id, count, kind, where);
  Barrier& barrier = block.barrier(id);
  const bool whole_block = count == 0;
  // Lanes that don't exist count as if they had come: hardware counts whole warps.
  const uint32_t expected = count == 0 || count > block.num_threads ? block.num_threads : count;
  check_meets_others(thread, barrier, aligned, whole_block, expected, where);
  const uint32_t bit = uint32_t{1} << thread.lane;
  if ((barrier.arrived_only[thread.warp] & bit) != 0) {
    fail(thread, Fault::kDivergence, where, "a thread comes to barrier %u again before it is complete", id);
  }
  if (barrier.arrived == 0) {
    barrier.expected = expected;
    barrier.whole_block = whole_block;
    barrier.where = where;
    barrier.reduction = BarrierKind::kSync;
  }
  const bool reduces = kind != BarrierKind::kSync && kind != BarrierKind::kArrive;
  if (reduces) {
    if (barrier.reduction != BarrierKind::kSync && barrier.reduction != kind) {
      fail(thread, Fault::kDivergence, where, "threads at one barrier ask for different reductions");
    }
    barrier.reduction = kind;
  }
  if (barrier.warp_where[thread.warp] == nullptr) barrier.warp_where[thread.warp] = where;
  ++barrier.arrived;
  if (predicate) ++barrier.num_true;
  if (block.detailed && !whole_block) block.clock().release(id, thread.linear);
  ThreadState& state = *thread.state;
  state.where = where;
  if (kind == BarrierKind::kArrive) {
    barrier.arrived_only[thread.warp] |= bit;
    if (barrier.arrived == barrier.expected) complete(thread, id, barrier);
    return 0;
  }
  barrier.waiting[thread.warp] |= bit;
  if (barrier.arrived == barrier.expected) {
    complete(thread, id, barrier);
    return state.barrier_result;
  }
  state.waiting = Waiting::kBarrier;
  state.barrier_id = id;
  block.wait(thread);
  return state.barrier_result;
}

}  // namespace assay::cuda_sim
