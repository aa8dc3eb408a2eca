// SPDX-License-Identifier: Apache-2.0
// What is done to every row of a matrix (kernels/elementwise). No derivative.
#pragma once

#include <cstdint>

#include "engine/tensor/tensor.h"

namespace assay::ops {

// y (R, C) += offset (C), in place, float32. Throws assay::Error on other shapes or dtypes.
void add_row(const Tensor& y, const Tensor& offset);

// Rows of x (R, C) scaled to Euclidean length one, into columns begin to before begin + C of y (R, D), in place,
// float32. Zeros and numbers that are not finite: kernels/elementwise/normalise_rows.h. Throws assay::Error on other
// shapes or dtypes, or where C columns do not fit.
void normalise_rows(const Tensor& x, const Tensor& y, int64_t begin);

// Rows of x as they are into those columns.
void place_columns(const Tensor& x, const Tensor& y, int64_t begin);

}  // namespace assay::ops
