// SPDX-License-Identifier: Apache-2.0
// Seconds per phase, in the order in which they began.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace assay::pipeline {

class PhaseClock {
 public:
  void begin(const std::string& phase) {
    end();
    phase_ = phase;
    begun_ = Clock::now();
  }
  void end() {
    if (!phase_.empty()) seconds_[phase_] = seconds_.value(phase_, 0.0) + since(begun_);
    phase_.clear();
  }
  double total() const { return since(start_); }
  const nlohmann::ordered_json& seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

  const Clock::time_point start_ = Clock::now();
  Clock::time_point begun_;
  std::string phase_;
  nlohmann::ordered_json seconds_ = nlohmann::ordered_json::object();
};

}  // namespace assay::pipeline
