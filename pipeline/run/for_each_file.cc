// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/for_each_file.h"

#include <atomic>
#include <mutex>

#include "kernels/base/parallel.h"

namespace assay::pipeline {

Status for_each_file(int64_t count, Progress* progress, const std::function<Status(int64_t)>& work) {
  std::mutex mutex;
  std::atomic<bool> over{false};
  Status failure;
  int64_t done = 0;
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    if (over) return;
    Status status = work(i);
    const std::lock_guard<std::mutex> lock(mutex);
    progress->advance(++done);
    if (status.ok() && progress->stop_requested()) status = Status::error(kInterrupted);
    if (!status.ok() && failure.ok()) failure = status;
    if (!failure.ok()) over = true;
  });
  return failure;
}

}  // namespace assay::pipeline
