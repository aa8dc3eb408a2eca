// SPDX-License-Identifier: Apache-2.0
#include "pipeline/devices/placement.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "kernels/base/parallel.h"

namespace assay::pipeline {

void for_each_on_devices(const Placement& placement, int threads_per_device, int64_t count,
                         const std::function<void(int64_t i, size_t slot)>& body) {
  if (placement.on_cpu()) {
    parallel_for(count, 1, [&](int64_t i, int64_t) { body(i, 0); });
    return;
  }
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&](size_t slot) {
    try {
      for (int64_t i = next++; i < count; i = next++) body(i, slot);
    } catch (...) {
      next = count;
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < threads_per_device; ++t) {
    for (size_t slot = 0; slot < placement.devices.size(); ++slot) threads.emplace_back(work, slot);
  }
  for (std::thread& t : threads) t.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace assay::pipeline
