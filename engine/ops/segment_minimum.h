// SPDX-License-Identifier: Apache-2.0
// The distance table of design section 2: for each query patch and each image, the squared distance to the image's
// nearest reference patch. Accuracy, NaN and determinism: kernels/knn/segment_minimum.h. No derivative.
#pragma once

#include "engine/ops/packed_bank.h"
#include "engine/tensor/tensor.h"

namespace assay::ops {

// queries: (Q, D) float32. references: R rows of width D. offsets: (J + 1) int64, ascending from 0 to R; segment j is
// rows offsets[j] to before offsets[j + 1]. Returns (Q, J) float32, +infinity where a segment is empty.
// Throws assay::Error on any other shape, dtype or offsets.
Tensor segment_minimum(const Tensor& queries, const PackedBank& references, const Tensor& offsets);

// The same into rows of a table that the caller owns: table[q * table_stride + j], table_stride >= J. For tables made
// tile by tile.
void segment_minimum_into(const Tensor& queries, const PackedBank& references, const Tensor& offsets, float* table,
                          int64_t table_stride);

}  // namespace assay::ops
