// SPDX-License-Identifier: Apache-2.0
// Operations among the lanes of a warp, on top of warp_exchange.
#pragma once

#include "tests/cuda_sim/ptx/floating.h"
#include "tests/cuda_sim/ptx/integer.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim::ptx {

struct Shuffled {
  u32 value;
  bool in_range;  // the second result: whether the source lane lies in the segment
};

// shfl.sync as the manual's pseudo code has it. `clamp` holds the last lane in bits 0 to 4 and the segment mask in
// bits 8 to 12.
template <WarpOp op>
inline Shuffled shfl(Thread& thread, u32 value, u32 b, u32 clamp, u32 mask, const SourceLine* where) {
  const WarpValues& values = warp_exchange(thread, op, 0, mask, /*aligned=*/false, value, where);
  const int lane = static_cast<int>(thread.lane);
  const int distance = b & 31;
  const int segment = clamp >> 8 & 31;
  const int first = lane & segment;
  const int last = first | (static_cast<int>(clamp & 31) & ~segment);
  int source;
  bool in_range;
  if constexpr (op == WarpOp::kShuffleUp) {
    source = lane - distance;
    in_range = source >= last;
  } else {
    source = op == WarpOp::kShuffleDown        ? lane + distance
             : op == WarpOp::kShuffleButterfly ? lane ^ distance
                                               : first | (distance & ~segment);
    in_range = source <= last;
  }
  if (!in_range) source = lane;
  if (!values.has(source)) report_lane_not_in_mask(thread, source, mask, where);
  return {values.get<u32>(source), in_range};
}

// The lanes of the mask whose predicate holds.
template <WarpOp op>
inline u32 lanes_that_hold(Thread& thread, bool predicate, u32 mask, const SourceLine* where, u32* lanes) {
  const WarpValues& values = warp_exchange(thread, op, 0, mask, /*aligned=*/false, u32{predicate}, where);
  u32 ballot = 0;
  for (u32 lane = 0; lane < 32; ++lane) {
    if (values.has(lane) && values.get<u32>(lane)) ballot |= u32{1} << lane;
  }
  *lanes = values.lanes;
  return ballot;
}
inline u32 vote_ballot(Thread& thread, bool predicate, u32 mask, const SourceLine* where) {
  u32 lanes;
  return lanes_that_hold<WarpOp::kVoteBallot>(thread, predicate, mask, where, &lanes);
}
inline bool vote_any(Thread& thread, bool predicate, u32 mask, const SourceLine* where) {
  u32 lanes;
  return lanes_that_hold<WarpOp::kVoteAny>(thread, predicate, mask, where, &lanes) != 0;
}
inline bool vote_all(Thread& thread, bool predicate, u32 mask, const SourceLine* where) {
  u32 lanes;
  return lanes_that_hold<WarpOp::kVoteAll>(thread, predicate, mask, where, &lanes) == lanes;
}
inline bool vote_uni(Thread& thread, bool predicate, u32 mask, const SourceLine* where) {
  u32 lanes;
  const u32 ballot = lanes_that_hold<WarpOp::kVoteUni>(thread, predicate, mask, where, &lanes);
  return ballot == 0 || ballot == lanes;
}

// The lanes of the mask that brought the same value.
template <WarpOp op, class T>
inline u32 lanes_that_match(Thread& thread, T value, u32 mask, const SourceLine* where, u32* lanes) {
  const WarpValues& values = warp_exchange(thread, op, sizeof(T), mask, /*aligned=*/false, value, where);
  u32 same = 0;
  for (u32 lane = 0; lane < 32; ++lane) {
    if (values.has(lane) && values.get<T>(lane) == value) same |= u32{1} << lane;
  }
  *lanes = values.lanes;
  return same;
}
template <class T>
inline u32 match_any(Thread& thread, T value, u32 mask, const SourceLine* where) {
  u32 lanes;
  return lanes_that_match<WarpOp::kMatchAny>(thread, value, mask, where, &lanes);
}
// The whole mask where all values are the same, else 0.
template <class T>
inline u32 match_all(Thread& thread, T value, u32 mask, const SourceLine* where) {
  u32 lanes;
  const u32 same = lanes_that_match<WarpOp::kMatchAll>(thread, value, mask, where, &lanes);
  return same == lanes ? lanes : 0;
}

// `qualifiers` tells the reductions apart, so that lanes at different ones are reported.
template <class T, class Op>
inline T redux(Thread& thread, u32 qualifiers, Op op, T value, u32 mask, const SourceLine* where) {
  const WarpValues& values = warp_exchange(thread, WarpOp::kReduce, qualifiers, mask, /*aligned=*/false, value, where);
  bool first = true;
  T result{};
  for (u32 lane = 0; lane < 32; ++lane) {
    if (!values.has(lane)) continue;
    result = first ? values.get<T>(lane) : op(result, values.get<T>(lane));
    first = false;
  }
  return result;
}

// The lowest lane of the mask is the leader.
inline u32 elect(Thread& thread, u32 mask, const SourceLine* where) {
  const WarpValues& values = warp_exchange(thread, WarpOp::kElect, 0, mask, /*aligned=*/false, u32{0}, where);
  return __builtin_ctz(values.lanes);
}

inline void sync_warp(Thread& thread, u32 mask, const SourceLine* where) {
  warp_exchange(thread, WarpOp::kSync, 0, mask, /*aligned=*/false, u32{0}, where);
}

}  // namespace assay::cuda_sim::ptx
