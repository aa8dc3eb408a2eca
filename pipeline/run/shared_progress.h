// SPDX-License-Identifier: Apache-2.0
// One phase of progress that several threads have a part in.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "pipeline/run/progress.h"

namespace assay::pipeline {

class SharedProgress {
 public:
  SharedProgress(Progress* progress, const std::string& phase, int64_t total) : progress_(progress) {
    progress_->begin(phase, total);
  }

  // So many steps more are done. False once the user has asked to stop.
  bool advance(int64_t more) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (more > 0) progress_->advance(done_ += more);
    if (progress_->stop_requested()) stop_ = true;
    return !stop_;
  }
  // So many steps were done by an earlier run.
  void skip(int64_t steps) {
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_->skip(steps);
    progress_->advance(done_ += steps);
  }
  void note(const std::string& line) {
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_->note(line);
  }
  // Whether advance() has ever answered false.
  bool is_stopped() const { return stop_; }

 private:
  Progress* const progress_;
  std::mutex mutex_;
  int64_t done_ = 0;
  std::atomic<bool> stop_{false};
};

}  // namespace assay::pipeline
