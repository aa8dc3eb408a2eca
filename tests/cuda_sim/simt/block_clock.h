// SPDX-License-Identifier: Apache-2.0
// Happens-before between the threads of one block, for race detection.
//
// Each thread has a clock that rises whenever it publishes what it did (barrier, bar.warp.sync). An access is ordered
// before a later one of thread `me` if `me` knows the first thread's clock at that access. Knowledge comes from three
// places, so that the usual ones stay cheap: barriers of the whole block (one vector for all), warp synchronisation
// (32 clocks per thread), and barriers of some threads (a whole vector per thread, only once one is used).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::cuda_sim {

class BlockClock {
 public:
  void start(uint32_t num_threads);

  uint32_t now(uint32_t thread) const { return clock_[thread]; }
  bool is_ordered(uint32_t earlier, uint32_t earlier_clock, uint32_t me) const;

  void whole_block_barrier();
  void warp_sync(uint32_t warp, uint32_t lanes);
  // Barriers of some threads: each publishes when it comes, those that wait learn it when they go on.
  void release(uint32_t barrier, uint32_t thread);
  void acquire(uint32_t barrier, uint32_t thread);
  void end_barrier(uint32_t barrier);

 private:
  uint32_t* partial(uint32_t thread) { return partial_.data() + size_t{thread} * num_threads_; }
  const uint32_t* partial(uint32_t thread) const { return partial_.data() + size_t{thread} * num_threads_; }
  void join_knowledge(uint32_t thread, uint32_t* into) const;

  uint32_t num_threads_ = 0;
  std::vector<uint32_t> clock_;  // (threads) starts at 1
  std::vector<uint32_t> whole_;  // (threads) clock at the last barrier of the whole block
  std::vector<uint32_t> warp_;   // (threads, 32) what is known of the lanes of the own warp
  bool has_partial_ = false;
  std::vector<uint32_t> partial_;       // (threads, threads)
  std::vector<uint32_t> released_[16];  // per barrier: what those who came published
};

}  // namespace assay::cuda_sim
