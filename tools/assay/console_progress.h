// SPDX-License-Identifier: Apache-2.0
// Progress for a person: a bar with rate and remaining time on a terminal, plain lines otherwise, on stderr.
#pragma once

#include <chrono>
#include <string>

#include "pipeline/run/progress.h"

namespace assay::tools {

// From now on Ctrl-C and SIGTERM ask the work to stop (Progress::stop_requested) instead of ending the process; a
// second one, half a second later or more, ends it. Before any other thread is started.
void stop_on_signals();

class ConsoleProgress : public pipeline::Progress {
 public:
  explicit ConsoleProgress(bool quiet);
  void begin(const std::string& phase, int64_t total) override;
  void advance(int64_t done) override;
  void skip(int64_t steps) override;
  void end() override;
  void note(const std::string& line) override;
  bool stop_requested() override;

 private:
  using Clock = std::chrono::steady_clock;
  void draw();

  const bool quiet_;
  const bool terminal_;
  std::string phase_;
  int64_t total_ = 0;
  int64_t done_ = 0;
  int64_t skipped_ = 0;  // of them, by an earlier run
  Clock::time_point begun_;
  Clock::time_point drawn_;
};

}  // namespace assay::tools
