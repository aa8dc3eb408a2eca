// SPDX-License-Identifier: Apache-2.0
// How long work tells its caller where it stands, and learns that it is to stop.
#pragma once

#include <cstdint>
#include <string>

namespace assay::pipeline {

// The message of the Status that work ends with when its caller asked it to stop.
inline constexpr char kInterrupted[] = "interrupted";

// Called from one thread at a time. The base class says nothing and never stops.
class Progress {
 public:
  virtual ~Progress() = default;
  // A phase of `total` steps begins; 0 where the number is not known.
  virtual void begin(const std::string& phase, int64_t total) {
    (void)phase;
    (void)total;
  }
  // So many steps of the phase are done.
  virtual void advance(int64_t done) { (void)done; }
  // So many of the phase's steps were done by an earlier run: the next advance() counts them, its pace does not.
  virtual void skip(int64_t steps) { (void)steps; }
  virtual void end() {}
  // A line for the user: a skipped image, an estimate.
  virtual void note(const std::string& line) { (void)line; }
  // True once the user has asked to stop; work then ends soon, with the Status kInterrupted.
  virtual bool stop_requested() { return false; }
};

}  // namespace assay::pipeline
