// SPDX-License-Identifier: Apache-2.0
// Layout of symmetric and triangular D x D matrices: the lower triangle, column after column (LAPACK's packed 'L').
// Element (i, j), i >= j, lies at packed_column(D, j) + i - j. Every loop over a column then reads contiguous memory.
#pragma once

#include <cstdint>

#include "kernels/base/host_device.h"

namespace assay::kernels {

// T = D (D + 1) / 2, elements of the triangle. 0 <= D < 2^31.
ASSAY_HOST_DEVICE constexpr int64_t packed_size(int64_t order) { return order * (order + 1) / 2; }
// Where column j begins, which is where its diagonal element lies.
ASSAY_HOST_DEVICE constexpr int64_t packed_column(int64_t order, int64_t j) { return j * order - j * (j - 1) / 2; }

}  // namespace assay::kernels
