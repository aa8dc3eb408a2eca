// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/block_clock.h"

#include <algorithm>

namespace assay::cuda_sim {

void BlockClock::start(uint32_t num_threads) {
  num_threads_ = num_threads;
  clock_.assign(num_threads, 1);
  whole_.assign(num_threads, 0);
  warp_.assign(size_t{num_threads} * 32, 0);
  has_partial_ = false;
  for (auto& released : released_) released.clear();
}

bool BlockClock::is_ordered(uint32_t earlier, uint32_t earlier_clock, uint32_t me) const {
  if (earlier == me || earlier_clock <= whole_[earlier]) return true;
  if (earlier / 32 == me / 32 && earlier_clock <= warp_[size_t{me} * 32 + earlier % 32]) return true;
  return has_partial_ && earlier_clock <= partial(me)[earlier];
}

void BlockClock::whole_block_barrier() {
  for (uint32_t thread = 0; thread < num_threads_; ++thread) whole_[thread] = clock_[thread]++;
}

void BlockClock::warp_sync(uint32_t warp, uint32_t lanes) {
  uint32_t joined[32] = {};
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    const uint32_t thread = warp * 32 + lane;
    for (uint32_t other = 0; other < 32; ++other) {
      joined[other] = std::max(joined[other], warp_[size_t{thread} * 32 + other]);
    }
    joined[lane] = std::max(joined[lane], clock_[thread]);
  }
  std::vector<uint32_t> joined_partial(has_partial_ ? num_threads_ : 0, 0);
  if (has_partial_) {
    for (uint32_t lane = 0; lane < 32; ++lane) {
      if ((lanes >> lane & 1) != 0) join_knowledge(warp * 32 + lane, joined_partial.data());
    }
  }
  for (uint32_t lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1) == 0) continue;
    const uint32_t thread = warp * 32 + lane;
    std::copy(joined, joined + 32, warp_.begin() + size_t{thread} * 32);
    if (has_partial_) std::copy(joined_partial.begin(), joined_partial.end(), partial(thread));
    ++clock_[thread];
  }
}

// Everything `thread` knows, itself included.
void BlockClock::join_knowledge(uint32_t thread, uint32_t* into) const {
  for (uint32_t other = 0; other < num_threads_; ++other) into[other] = std::max(into[other], partial(thread)[other]);
  const uint32_t first = thread / 32 * 32;
  for (uint32_t lane = 0; lane < 32 && first + lane < num_threads_; ++lane) {
    into[first + lane] = std::max(into[first + lane], warp_[size_t{thread} * 32 + lane]);
  }
  into[thread] = std::max(into[thread], clock_[thread]);
}

void BlockClock::release(uint32_t barrier, uint32_t thread) {
  if (!has_partial_) {
    partial_.assign(size_t{num_threads_} * num_threads_, 0);
    has_partial_ = true;
  }
  std::vector<uint32_t>& released = released_[barrier];
  if (released.empty()) released.assign(num_threads_, 0);
  join_knowledge(thread, released.data());
  ++clock_[thread];
}

void BlockClock::acquire(uint32_t barrier, uint32_t thread) {
  const std::vector<uint32_t>& released = released_[barrier];
  for (uint32_t other = 0; other < num_threads_; ++other) {
    partial(thread)[other] = std::max(partial(thread)[other], released[other]);
  }
}

void BlockClock::end_barrier(uint32_t barrier) { released_[barrier].clear(); }

}  // namespace assay::cuda_sim
