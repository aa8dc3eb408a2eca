// SPDX-License-Identifier: Apache-2.0
// The nearest bank row of each query by squared Euclidean distance, without ever storing the (Q, N) distances.
//
//   index(q) = argmin_x |q - x|^2 = argmax_x (q.x - |x|^2 / 2),   distance2(q) = |q - x_index|^2
//
// The search uses the second form in float32. Its error for one pair is at most 2 (D + 4) 2^-24 (|q| + |x|)^2 as a
// squared distance: of two rows closer to each other than that, either may be taken. Rows with equal computed scores
// tie towards the lower index (exact duplicates always do). distance2 is then recomputed as the sum of (q_d - x_d)^2 in
// double, so it is never negative, is 0 for a query that equals its neighbour, and carries no cancellation.
// Callers who want a sharper search centre queries and bank by the same vector.
//
// A row whose score is NaN, or whose squared norm overflows float32, is never taken. Where no row can be taken (an
// empty bank, a query with a NaN) index is -1 and distance2 is +infinity. A query whose own squared norm overflows may
// be given any row.
// A bank with bytes (byte_bank.h) is searched faster on the CPU, to the same bits.
// Deterministic on one type of machine: the same bits for any number of threads and any workspace size. The two
// backends may choose differently within the error above.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

struct NearestNeighbourArgs {
  const float* queries;     // (Q, D)
  PackedBank bank;          // (N, D)
  float* distance2;         // (Q)
  int64_t* index;           // (Q)
  int64_t num_queries;      // Q >= 0
  void* workspace;          // aligned to 64 bytes
  int64_t workspace_bytes;  // >= nearest_neighbour_workspace_bytes(1, D); see there
};
extern const KernelTable<NearestNeighbourArgs> nearest_neighbour;

// Scratch memory on the CPU for `threads` threads to search at once. Fewer run where less is passed.
int64_t nearest_neighbour_workspace_bytes(int64_t threads, int64_t dim);
// The same for either backend. CUDA needs all of it where it cuts the bank into parts; less means fewer parts.
int64_t nearest_neighbour_workspace_bytes(Backend backend, const SearchShape& shape, int64_t threads);

}  // namespace assay::kernels
