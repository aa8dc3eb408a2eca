// SPDX-License-Identifier: Apache-2.0
// Runs one case: verifies it, times it, and holds it against the machine's limits.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/base/status.h"
#include "tools/bench/case.h"
#include "tools/bench/machine_limits.h"
#include "tools/bench/results.h"

namespace assay::bench {

struct RunOptions {
  int threads;
  int repeats;
  Clock clock;
  bool on_gpu;
  int64_t rotate_bytes;  // the buffer sets of a case hold more than that together
  double fill_s;         // on a GPU as many launches are timed together as fill that; 0: one
  bool measure_limits;
};

// Limits of the machine now. On the CPU all arithmetic but float64 is done in float32, 3xtf32 three times over.
double flop_limit(Arithmetic arithmetic, const RunOptions& options);
double bytes_limit(const RunOptions& options);

// The row of a case; an error where its answer is wrong, or where it runs another kernel than it says. The limit is
// measured before each timed run and each run compared with its own, because machines change their clock and their
// company.
Result<Row> run_case(const Case& c, const RunOptions& options);

}  // namespace assay::bench
