// SPDX-License-Identifier: Apache-2.0
// Reports of faults: printed once, kept until a test takes them, and if nobody does, the process fails.
#pragma once

#include <string>
#include <vector>

#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim/simt/thread.h"

namespace assay::cuda_sim {

// Code of a process that ends with reports which nobody took.
constexpr int kFailureCode = 86;

// A fault of the host's. printf's format.
[[gnu::format(printf, 2, 3)]] void report_host(Fault fault, const char* format, ...);

// A fault of one thread's; the thread goes on.
[[gnu::format(printf, 4, 5)]] void report(const Thread& thread, Fault fault, const SourceLine* where,
                                          const char* format, ...);

// A fault after which the thread has no meaningful next step: ends the launch. Doesn't return.
[[noreturn, gnu::format(printf, 4, 5)]] void fail(Thread& thread, Fault fault, const SourceLine* where,
                                                  const char* format, ...);

// "file.cu:12", with the calls it was inlined into.
std::string place(const SourceLine* where);

// Whether two instructions come from the same line, by the same calls. Copies of one line (unrolled loops) do.
bool is_same_place(const SourceLine* a, const SourceLine* b);

std::string demangled(const char* name);

// The list, emptied. Tests call take_reports(), which also clears the devices' sticky errors.
std::vector<Report> drain_reports();

}  // namespace assay::cuda_sim
