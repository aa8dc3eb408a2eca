// SPDX-License-Identifier: Apache-2.0
// A bank of N feature rows, laid out once so that it can be searched many times.
//
// The CPU layout is ceil(N / 32) panels of 32 rows. A panel holds 1 + D lines of 32 floats: first -|x|^2 / 2 of its
// rows, then for d = 0..D-1 the d-th feature of its rows. Rows past the end have -infinity and zeros there, so that no
// search prefers them. CUDA uses the same layout, whose lines are whole cache lines there. The bytes are an internal
// format of one process, never written to files. They hold every feature: the rows they were made from can be dropped.
//
// Memory belongs to the caller. The same bits for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

constexpr int64_t kPanelRows = 32;  // two AVX-512 vectors, the width of the search's register tile

struct PackedBank {
  const float* panels;  // packed_bank_bytes(rows, dim), aligned to 64 bytes
  int64_t rows;         // N >= 0
  int64_t dim;          // D >= 1
  // The bank's rows (N, D) and their bytes (byte_bank.h), which let the CPU search faster to the same bits. Null: none.
  const float* row_major = nullptr;
  const std::byte* byte_panels = nullptr;
};

struct PackBankArgs {
  const float* rows;  // (N, D)
  float* panels;      // packed_bank_bytes(num_rows, dim), aligned to 64 bytes; must not overlap rows
  int64_t num_rows;   // N >= 0
  int64_t dim;        // D >= 1
};
extern const KernelTable<PackBankArgs> pack_bank;

// 4 * 32 * ceil(rows / 32) * (1 + dim).
int64_t packed_bank_bytes(int64_t rows, int64_t dim);

// What the scratch memory of a search depends on.
struct SearchShape {
  int64_t num_queries;  // Q
  int64_t rows;         // N
  int64_t dim;          // D
};

}  // namespace assay::kernels
