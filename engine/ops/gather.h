// SPDX-License-Identifier: Apache-2.0
// Rows and columns of a matrix by number (kernels/gather/gather.h). Numbers may repeat and come in any order.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/tensor/tensor.h"

namespace assay::ops {

// x (N, D) float32; each of `index` from 0 to N - 1. Returns (number of indices, D) in new storage on x's device.
// Throws assay::Error on another rank, dtype or index.
Tensor gather_rows(const Tensor& x, const std::vector<int64_t>& index, const char* tag = "gather_rows");
// The same with numbers (R) int64 that lie on x's device already. One out of range gives a row of NaN.
Tensor gather_rows(const Tensor& x, const Tensor& index, const char* tag = "gather_rows");

// x (R, D) float32, index (C) int64 on x's device. Returns (R, C). A number out of range gives a column of NaN.
Tensor gather_columns(const Tensor& x, const Tensor& index, const char* tag = "gather_columns");

}  // namespace assay::ops
