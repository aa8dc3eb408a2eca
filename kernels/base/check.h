// SPDX-License-Identifier: Apache-2.0
// What a caller did wrong: a shape, a dtype, an order of calls. Such faults throw; what is wrong in the world
// (files, flags, data) travels as Status instead (status.h).
#pragma once

#include <stdexcept>

#include "kernels/base/text.h"

namespace assay {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace assay

// Throws assay::Error built from the parts. Always on. A message gives name, found, expected, source.
#define ASSAY_CHECK(cond, ...)                                     \
  do {                                                             \
    if (!(cond)) throw ::assay::Error(::assay::text(__VA_ARGS__)); \
  } while (0)

// Our own invariants in hot loops: on in debug builds (`bazel build -c dbg`), nothing otherwise.
#ifdef NDEBUG
#define ASSAY_DCHECK(cond, ...) \
  do {                          \
  } while (0)
#else
#define ASSAY_DCHECK(cond, ...) ASSAY_CHECK(cond, __VA_ARGS__)
#endif
