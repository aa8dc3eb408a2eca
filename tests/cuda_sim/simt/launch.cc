// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/launch.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/guard.h"
#include "tests/cuda_sim/simt/options.h"

namespace assay::cuda_sim {
namespace {

thread_local bool runs_block = false;

// Hands out the blocks of a grid, each once.
class BlockQueue {
 public:
  BlockQueue(uint64_t num_blocks, uint64_t seed) : num_blocks_(num_blocks) {
    if (seed == 0 || num_blocks < 2) return;
    // index * step + start modulo the number of blocks: a permutation, since step has no common factor with it.
    start_ = seed * 0x9e3779b97f4a7c15u % num_blocks;
    step_ = (seed ^ 0x5851f42d4c957f2du) * 0x9e3779b97f4a7c15u % num_blocks | 1;
    while (std::gcd(step_, num_blocks) != 1) step_ += 2;
  }

  bool take(uint64_t& index) {
    const uint64_t turn = next_.fetch_add(1, std::memory_order_relaxed);
    if (turn >= num_blocks_) return false;
    index = static_cast<uint64_t>((static_cast<unsigned __int128>(turn) * step_ + start_) % num_blocks_);
    return true;
  }

 private:
  uint64_t num_blocks_;
  uint64_t start_ = 0;
  uint64_t step_ = 1;
  std::atomic<uint64_t> next_{0};
};

// OS threads that run blocks. Worker 0 is whoever calls; the others sleep between launches and live as long as the
// process. A helper that wakes up too late finds nothing to do: nobody waits for it.
class Workers {
 public:
  void run(Launch& launch, BlockQueue& queue, int num_threads) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while (static_cast<int>(blocks_.size()) < num_threads) add_worker();
      launch_ = &launch;
      queue_ = &queue;
      num_helpers_ = num_threads - 1;
      ++turn_;
    }
    if (num_threads > 1) wake_.notify_all();
    run_blocks(*blocks_[0], launch, queue);
    std::unique_lock<std::mutex> lock(mutex_);
    launch_ = nullptr;
    done_.wait(lock, [&] { return num_running_ == 0; });
  }

 private:
  // With the lock held.
  void add_worker() {
    blocks_.push_back(std::make_unique<Block>());
    const int worker = static_cast<int>(blocks_.size()) - 1;
    if (worker > 0) std::thread([this, worker, turn = turn_] { help(worker, turn); }).detach();
  }

  void help(int worker, uint64_t seen) {
    while (true) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return turn_ != seen; });
      seen = turn_;
      if (launch_ == nullptr || worker > num_helpers_) continue;
      Block& block = *blocks_[static_cast<size_t>(worker)];
      Launch& launch = *launch_;
      BlockQueue& queue = *queue_;
      ++num_running_;
      lock.unlock();
      run_blocks(block, launch, queue);
      lock.lock();
      if (--num_running_ == 0) done_.notify_all();
    }
  }

  static void run_blocks(Block& block, Launch& launch, BlockQueue& queue) {
    const KernelGuard guard(block);
    runs_block = true;
    uint64_t index = 0;
    while (!launch.failed.load(std::memory_order_relaxed) && queue.take(index)) block.run(launch, index);
    runs_block = false;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::vector<std::unique_ptr<Block>> blocks_;
  Launch* launch_ = nullptr;  // null: none, or all its blocks are taken
  BlockQueue* queue_ = nullptr;
  int num_helpers_ = 0;
  int num_running_ = 0;  // helpers that joined
  uint64_t turn_ = 0;
};

void add_limits(std::vector<uint8_t>& limits, uint32_t offset, uint32_t bytes) {
  const uint32_t end = offset + bytes;
  if (limits.size() < (end + 15) / 16) limits.resize((end + 15) / 16, 0);
  for (uint32_t granule = offset / 16; granule * 16 < end; ++granule) {
    limits[granule] = static_cast<uint8_t>(std::min<uint32_t>(16, end - granule * 16));
  }
}

}  // namespace

void run_grid(Launch& launch) {
  launch.shared_limits.clear();
  for (uint32_t index = 0; index < launch.kernel->num_shared; ++index) {
    add_limits(launch.shared_limits, launch.kernel->shared[index].offset, launch.kernel->shared[index].bytes);
  }
  if (launch.dynamic_shared_bytes > 0) {
    add_limits(launch.shared_limits, launch.kernel->dynamic_shared_offset, launch.dynamic_shared_bytes);
  }
  launch.shared_window_bytes = static_cast<uint32_t>(launch.shared_limits.size() * 16);

  static auto* workers = new Workers;
  const uint64_t num_blocks = uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  BlockQueue queue(num_blocks, launch.seed);
  // The shadow memory of race detection isn't locked.
  const int num_threads = options().race ? 1 : options().num_threads;
  workers->run(launch, queue, static_cast<int>(std::min<uint64_t>(num_blocks, static_cast<uint64_t>(num_threads))));
}

bool inside_kernel() { return runs_block; }

}  // namespace assay::cuda_sim
