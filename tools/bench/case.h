// SPDX-License-Identifier: Apache-2.0
// One benchmark case. Those of a kernel stand beside it in x_bench.cc; case_list.h names them all.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "tools/bench/arithmetic.h"

namespace assay::bench {

// A kernel with one set of buffers (buffer.h) filled. Functions run on the backend that the program was started for.
struct PreparedCase {
  // One launch of the kernel and nothing else: no allocation, no copy. It may be run again and again, and does the same
  // work each time.
  std::function<void()> run;
  // After the first run: does a sample of the answer hold against the reference.
  std::function<bool()> verify;
};

struct Case {
  std::string kernel;  // the name of its table, and a variant where a kernel has several: "combine/bias"
  std::string shape;   // "4096x8192x128"
  double flop;         // compulsory work of one run
  double bytes;        // compulsory traffic of one run
  std::function<PreparedCase()> prepare;  // called once for each set of buffers
  const char* dtype = "f32";              // of the elements it works on; "u8>f32" where it converts
  Arithmetic arithmetic = Arithmetic::kFloat32;
  bool on_cpu = true;   // false where the CPU's entry is another kernel's
  bool on_cuda = true;  // false where this build has no such kernel
  // A plainer way to the same answer or a known amount of the same work, on the same backend, with buffers of its own;
  // empty: there is none.
  std::function<PreparedCase()> prepare_base = {};
};

// Lengths of the product, or with --smoke a fraction of them.
class Scale {
 public:
  explicit Scale(int64_t divisor) : divisor_(divisor) {}
  int64_t operator()(int64_t length, int64_t least = 1) const { return std::max(least, length / divisor_); }

 private:
  int64_t divisor_;
};

inline std::string shape_text(std::initializer_list<int64_t> lengths) {
  std::string s;
  for (const int64_t length : lengths) s += (s.empty() ? "" : "x") + std::to_string(length);
  return s;
}

}  // namespace assay::bench
