// SPDX-License-Identifier: Apache-2.0
// The distance table of design section 2: for each query patch and each image, the squared distance to the image's
// nearest reference patch. Accuracy, NaN and determinism: kernels/knn/segment_minimum.h. No derivative.
#pragma once

#include <cstdint>

#include "engine/ops/packed_bank.h"
#include "engine/tensor/tensor.h"

namespace assay::ops {

// Where the references of each image lie: checked once, and brought to the bank's device once.
class Segments {
 public:
  // offsets: (J + 1) int64 on the CPU, ascending from 0 to the bank's rows; segment j is rows offsets[j] to before
  // offsets[j + 1]. Throws assay::Error otherwise.
  Segments(const Tensor& offsets, const PackedBank& references);

  int64_t count() const { return offsets_.size() - 1; }  // J
  int64_t references() const { return references_; }     // R
  const Tensor& offsets() const { return offsets_; }     // on the bank's device

 private:
  int64_t references_;
  Tensor offsets_;
};

// queries: (Q, D) float32. references: R rows of width D, cut into J segments. Returns (Q, J) float32, +infinity where
// a segment is empty. Throws assay::Error on any other shape or dtype, and where the segments are of a bank of another
// size.
Tensor segment_minimum(const Tensor& queries, const PackedBank& references, const Segments& segments);
// The same with segments that are used once, made from their offsets.
Tensor segment_minimum(const Tensor& queries, const PackedBank& references, const Tensor& offsets);

// The same into columns first_column to before first_column + J of a table (Q, S) that the caller owns. For tables made
// tile by tile.
void segment_minimum_into(const Tensor& queries, const PackedBank& references, const Segments& segments,
                          const Tensor& table, int64_t first_column);

}  // namespace assay::ops
