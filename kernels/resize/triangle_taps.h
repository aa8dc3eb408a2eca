// SPDX-License-Identifier: Apache-2.0
// The fixed-point weights of one axis of antialias_resize.
#pragma once

#include <cstdint>

namespace assay::kernels {

constexpr int kTapFractionBits = 22;  // Pillow's: 32 bits less 8 of the pixel less 2 of headroom

// Output i is the sum over t < num_taps[i] of weights[i * stride + t] * x[first[i] + t], divided by 2^22.
struct TriangleTaps {
  int64_t stride;     // weights per output: the most taps that one can have
  int32_t* weights;   // (out, stride)
  int32_t* first;     // (out)
  int32_t* num_taps;  // (out)  >= 1
};

int64_t triangle_taps_stride(int64_t in, int64_t out);
// Fills the three arrays of `taps`, whose stride is triangle_taps_stride(in, out).
void compute_triangle_taps(int64_t in, int64_t out, const TriangleTaps& taps);

}  // namespace assay::kernels
