// SPDX-License-Identifier: Apache-2.0
// How rows and queries become bytes (byte_bank.h). To be called where byte_banks_work() alone.
#pragma once

#include <cstdint>

namespace assay::kernels {

constexpr int64_t kByteGroup = 4;  // features of one step of the dot product

// Features of a turned row: whole AVX-512 vectors.
inline int64_t byte_width(int64_t dim) { return (dim + 15) / 16 * 16; }

struct ByteRow {
  float scale;     // turned feature = scale * code + rounding
  float residual;  // |rounding|, not less
  float length;    // of the turned row, of scale * codes and of the row, not less than any
};

// Whether no bound of it overflows: it is finite, and half its squared norm at most this.
constexpr float kMaxHalfNorm = 1e30f;
inline bool is_tame(const ByteRow& row) { return row.length * row.length * 0.5f <= kMaxHalfNorm; }

// x: (dim), of which a NaN or infinity makes the length one. turned: byte_width(dim) floats of scratch; codes:
// byte_width(dim) in -127..127.
ByteRow encode_row(const float* x, int64_t dim, float* turned, int8_t* codes);

}  // namespace assay::kernels
