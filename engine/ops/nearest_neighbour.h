// SPDX-License-Identifier: Apache-2.0
// The nearest bank row of each query by squared Euclidean distance.
// Accuracy, ties, NaN and determinism: kernels/knn/nearest_neighbour.h. No derivative.
#pragma once

#include "engine/ops/packed_bank.h"
#include "engine/tensor/tensor.h"

namespace assay::ops {

struct NearestNeighbour {
  Tensor distance2;  // (Q) float32; +infinity where index is -1
  Tensor index;      // (Q) int64, a row of the bank; -1 where no row could be taken (empty bank, NaN query)
};

// queries: (Q, D) float32, Q >= 0, D that of the bank. Throws assay::Error on any other shape or dtype.
NearestNeighbour nearest_neighbour(const Tensor& queries, const PackedBank& bank);

}  // namespace assay::ops
