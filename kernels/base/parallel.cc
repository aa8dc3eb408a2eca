// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "kernels/base/check.h"

#if defined(__SANITIZE_THREAD__)
#include <thread>
#include <vector>
#endif

namespace assay {
namespace {

std::atomic<int> thread_count{0};  // 0: not set
thread_local bool inside_parallel_for = false;

// libgomp is not instrumented, so ThreadSanitizer would see races at its barriers; plain threads stand in for it there.
void run_on_threads(int threads, const std::function<void()>& work) {
#if defined(__SANITIZE_THREAD__)
  std::vector<std::thread> pool;
  for (int i = 1; i < threads; ++i) pool.emplace_back(work);
  work();
  for (auto& t : pool) t.join();
#else
#pragma omp parallel num_threads(threads)
  work();
#endif
}

}  // namespace

int num_threads() {
  const int set = thread_count.load();
  return set > 0 ? set : omp_get_num_procs();
}

void set_num_threads(int n) {
  ASSAY_CHECK(n >= 1, "set_num_threads: ", n, " threads, expected at least 1");
  thread_count = n;
}

void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  ASSAY_CHECK(grain >= 1, "parallel_for: grain ", grain, ", expected at least 1");
  if (count <= 0) return;
  const int64_t pieces = (count + grain - 1) / grain;
  const int threads = static_cast<int>(std::min<int64_t>(num_threads(), pieces));
  if (threads == 1 || inside_parallel_for) {
    for (int64_t p = 0; p < pieces; ++p) body(p * grain, std::min(count, (p + 1) * grain));
    return;
  }
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  run_on_threads(threads, [&] {
    inside_parallel_for = true;
    for (int64_t p = next++; p < pieces; p = next++) {
      try {
        body(p * grain, std::min(count, (p + 1) * grain));
      } catch (...) {
        const std::lock_guard<std::mutex> lock(failure_mutex);
        if (!failure) failure = std::current_exception();
        next = pieces;
      }
    }
    inside_parallel_for = false;
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace assay
