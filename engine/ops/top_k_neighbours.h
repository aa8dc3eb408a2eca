// SPDX-License-Identifier: Apache-2.0
// The k nearest bank rows of each query by squared Euclidean distance, nearest first, ties to the lower index.
// Accuracy, NaN and determinism: kernels/knn/top_k.h. No derivative.
#pragma once

#include "engine/ops/packed_bank.h"
#include "engine/tensor/tensor.h"

namespace assay::ops {

struct TopKNeighbours {
  Tensor distance2;  // (Q, k) float32, ascending; +infinity where index is -1
  Tensor index;      // (Q, k) int64, rows of the bank; -1 past the last row that could be taken (k > N, NaN query)
};

// queries: (Q, D) float32; k from 1 to 64. Throws assay::Error on any other shape, dtype or k.
TopKNeighbours top_k_neighbours(const Tensor& queries, const PackedBank& bank, int64_t k);

}  // namespace assay::ops
