// SPDX-License-Identifier: Apache-2.0
// The k nearest bank rows of each query by squared Euclidean distance, nearest first.
//
// The search is that of nearest_neighbour.h: rows are compared by the float32 expansion, whose error is stated there,
// and equal scores tie towards the lower index. The distances of the k rows taken are then recomputed in double, and
// the k are sorted by (distance2, index). With k = 1 both kernels give the same bits.
//
// A row whose score is NaN, or whose squared norm overflows float32, is never taken. Places that no row fills (k larger
// than the bank, a query with a NaN) hold index -1 and distance2 +infinity.
// A bank with bytes (byte_bank.h) is searched faster on the CPU, to the same bits, where it has many rows for each of k.
// Deterministic on one type of machine: the same bits for any number of threads and any workspace size. The two
// backends may choose differently within the error above.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

constexpr int64_t kMaxTopK = 64;  // candidates are kept in a sorted list by insertion, right for few neighbours

struct TopKArgs {
  const float* queries;     // (Q, D)
  PackedBank bank;          // (N, D)
  float* distance2;         // (Q, k)
  int64_t* index;           // (Q, k)
  int64_t num_queries;      // Q >= 0
  int64_t k;                // 1 to kMaxTopK
  void* workspace;          // aligned to 64 bytes
  int64_t workspace_bytes;  // >= top_k_workspace_bytes(1, D)
};
extern const KernelTable<TopKArgs> top_k;

// Scratch memory on the CPU for `threads` threads to search at once. Fewer run where less is passed.
int64_t top_k_workspace_bytes(int64_t threads, int64_t dim);
// The same for either backend. CUDA needs all of it where it cuts the bank into parts; less means fewer parts.
int64_t top_k_workspace_bytes(Backend backend, const SearchShape& shape, int64_t k, int64_t threads);

}  // namespace assay::kernels
