// SPDX-License-Identifier: Apache-2.0
// Warp operations: lanes meet, show each other a value, and go on.
#include <cstring>

#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

const char* op_name(WarpOp op) {
  switch (op) {
    case WarpOp::kSync:
      return "bar.warp.sync";
    case WarpOp::kShuffleUp:
      return "shfl.up";
    case WarpOp::kShuffleDown:
      return "shfl.down";
    case WarpOp::kShuffleButterfly:
      return "shfl.bfly";
    case WarpOp::kShuffleIndex:
      return "shfl.idx";
    case WarpOp::kVoteAll:
      return "vote.all";
    case WarpOp::kVoteAny:
      return "vote.any";
    case WarpOp::kVoteUni:
      return "vote.uni";
    case WarpOp::kVoteBallot:
      return "vote.ballot";
    case WarpOp::kMatchAny:
      return "match.any";
    case WarpOp::kMatchAll:
      return "match.all";
    case WarpOp::kReduce:
      return "redux";
    case WarpOp::kElect:
      return "elect";
    case WarpOp::kMma:
      return "mma";
    case WarpOp::kLdmatrix:
      return "ldmatrix";
    case WarpOp::kStmatrix:
      return "stmatrix";
  }
  return "warp operation";
}

// Two __syncwarp() in the branches of an `if` may meet by CUDA's rules, and two shuffles as well; kernels here may not
// do it (no lane can tell what the others mean), so all but bar.warp.sync must be on the same line.
bool can_meet(const WarpGroup& group, WarpOp op, uint32_t qualifiers, uint32_t mask, const SourceLine* where) {
  if (group.op != op || group.qualifiers != qualifiers || group.mask != mask) return false;
  if (group.aligned) return group.where == where;
  return op == WarpOp::kSync || is_same_place(group.where, where);
}

// The group of waiting lanes that this lane belongs to, or null. A group that waits for this lane, or shares lanes with
// its mask, but at another operation is the fault of divergence.
WarpGroup* find_group(Thread& thread, WarpOp op, uint32_t qualifiers, uint32_t mask, const SourceLine* where) {
  for (WarpGroup* group : block_of(thread).open_groups(thread.warp)) {
    if ((group->mask & mask) == 0) continue;
    if (can_meet(*group, op, qualifiers, mask, where)) return group;
    fail(thread, Fault::kDivergence, where,
         "lanes of one warp at different operations: %s with mask %08x here, %s with mask %08x at %s", op_name(op),
         mask, op_name(group->op), group->mask, place(group->where).c_str());
  }
  return nullptr;
}

WarpGroup* open_group(Thread& thread, WarpOp op, uint32_t qualifiers, uint32_t mask, bool aligned,
                      const SourceLine* where) {
  Block& block = block_of(thread);
  const uint32_t expected = mask & block.existing_lanes(thread.warp);
  const uint32_t exited = expected & block.exited_lanes(thread.warp);
  if (exited != 0) {
    fail(thread, Fault::kDivergence, where, "%s with mask %08x waits for lanes that have exited: %08x", op_name(op),
         mask, exited);
  }
  WarpGroup* group = block.take_group();
  group->op = op;
  group->qualifiers = qualifiers;
  group->mask = mask;
  group->expected = expected;
  group->values.lanes = expected;
  group->arrived = 0;
  group->readers = 0;
  group->aligned = aligned;
  group->where = where;
  block.open_groups(thread.warp).push_back(group);
  return group;
}

void close_group(Thread& last, WarpGroup* group) {
  Block& block = block_of(last);
  std::vector<WarpGroup*>& open = block.open_groups(last.warp);
  for (WarpGroup*& entry : open) {
    if (entry != group) continue;
    entry = open.back();
    open.pop_back();
    break;
  }
  const uint32_t others = group->expected & ~(uint32_t{1} << last.lane);
  for (uint32_t rest = others; rest != 0; rest &= rest - 1) {
    block.state(last.warp * 32 + static_cast<uint32_t>(__builtin_ctz(rest))).waiting = Waiting::kNothing;
  }
  block.wake(last.warp, others);
  if (block.detailed && group->op == WarpOp::kSync) block.clock().warp_sync(last.warp, group->expected);
}

}  // namespace

const WarpValues& warp_exchange(Thread& thread, WarpOp op, uint32_t qualifiers, uint32_t mask, bool aligned,
                                const void* value, uint32_t bytes, const SourceLine* where) {
  Block& block = block_of(thread);
  ThreadState& state = *thread.state;
  if (state.group != nullptr && --state.group->readers == 0) block.give_back_group(state.group);
  state.group = nullptr;
  const uint32_t bit = uint32_t{1} << thread.lane;
  if ((mask & bit) == 0) {
    fail(thread, Fault::kDivergence, where, "%s: lane %u is not in its own mask %08x", op_name(op), thread.lane, mask);
  }
  WarpGroup* group = find_group(thread, op, qualifiers, mask, where);
  if (group == nullptr) group = open_group(thread, op, qualifiers, mask, aligned, where);
  std::memcpy(group->values.slot[thread.lane], value, bytes);
  group->arrived |= bit;
  ++group->readers;
  state.group = group;
  state.where = where;
  if (group->arrived == group->expected) {
    close_group(thread, group);
  } else {
    state.waiting = Waiting::kWarp;
    block.wait(thread);
  }
  return group->values;
}

void report_lane_not_in_mask(Thread& thread, uint32_t lane, uint32_t mask, const SourceLine* where) {
  fail(thread, Fault::kDivergence, where, "a shuffle reads lane %u, which takes no part (mask %08x)", lane, mask);
}

}  // namespace assay::cuda_sim
