// SPDX-License-Identifier: Apache-2.0
// The distance from each query to the nearest reference of each segment: the patch-to-image distance table.
//
//   table(q, j) = min over references p of segment j of |q - p|^2 = max(0, |q|^2 - 2 max_p (q.p - |p|^2 / 2))
//
// Segment j holds the packed rows offsets[j] to before offsets[j + 1]. Unlike nearest_neighbour, which recomputes the
// chosen distance, the table keeps the expanded form, in float32 but for |q|^2 (double): an entry is off by at most
// 2 (D + 4) 2^-24 (|q| + |p|)^2 with the largest |p| of its segment, and is never negative. Entries much smaller than
// that carry no information; callers who need them centre queries and references by the same vector beforehand.
//
// An empty segment gives +infinity. A distance that is NaN, and any from a row whose squared norm overflows float32,
// counts as +infinity. Deterministic on one type of machine: the same bits for any number of threads, any workspace and
// any place of the segment in the bank.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

struct SegmentMinimumArgs {
  const float* queries;     // (Q, D)
  PackedBank references;    // (R, D)
  const int64_t* offsets;   // (J + 1), ascending, offsets[0] = 0, offsets[J] = R
  float* table;             // (Q, J), row stride table_stride; must not overlap the inputs
  int64_t num_queries;      // Q >= 0
  int64_t num_segments;     // J >= 0
  int64_t table_stride;     // >= J, in floats
  void* workspace;          // aligned to 64 bytes
  int64_t workspace_bytes;  // >= segment_minimum_workspace_bytes(1, D)
};
extern const KernelTable<SegmentMinimumArgs> segment_minimum;

// Scratch memory on the CPU for `threads` threads to search at once. Fewer run where less is passed.
int64_t segment_minimum_workspace_bytes(int64_t threads, int64_t dim);
// The same for either backend. CUDA needs all of it: nothing.
int64_t segment_minimum_workspace_bytes(Backend backend, const SearchShape& shape, int64_t threads);

}  // namespace assay::kernels
