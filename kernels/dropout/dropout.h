// SPDX-License-Identifier: Apache-2.0
// Inverted dropout: y = x / (1 - p) where an element is kept, 0 where it is dropped; each is dropped with probability
// p. The backward kernel draws the same mask again, so no mask is stored. Source: Srivastava et al. 2014, section 10.
// Whether element i is kept is a pure function of (seed, stream, i): word i % 4 of Philox block i / 4 (kernels/random),
// of which the upper 24 bits must be at least p * 2^24. So mask and values are the same, bit by bit, on every backend.
// Give each layer and each step a stream of its own. A dropped element is +0 whatever x holds, NaN too.
// float32. y may be x, grad_x may be grad_y; else nothing overlaps.
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct DropoutForwardArgs {
  const float* x;     // (count)
  float* y;           // (count)
  int64_t count;      // >= 0
  float probability;  // p, 0 <= p < 1
  uint64_t seed;
  uint64_t stream;
};
extern const KernelTable<DropoutForwardArgs> dropout_forward;

// grad_x = grad_y / (1 - p) where forward kept the element, else 0.
struct DropoutBackwardArgs {
  const float* grad_y;  // (count)
  float* grad_x;        // (count)  null: not needed
  int64_t count;        // >= 0
  float probability;    // p, seed and stream as in forward
  uint64_t seed;
  uint64_t stream;
  GradMode grad_x_mode = GradMode::kOverwrite;
};
extern const KernelTable<DropoutBackwardArgs> dropout_backward;

// An element is kept if its word >> 8 is at least this. Exact: a float times 2^24 is a double.
inline uint32_t dropout_threshold(float probability) {
  return static_cast<uint32_t>(std::ceil(static_cast<double>(probability) * 0x1p24));
}
// What kept elements are multiplied by: 1 / (1 - p), rounded once.
inline float dropout_scale(float probability) { return static_cast<float>(1 / (1 - static_cast<double>(probability))); }

}  // namespace assay::kernels
