// SPDX-License-Identifier: Apache-2.0
// What the operations of this folder share: shapes as rows and columns, contexts, and gradients as kernels want them.
#pragma once

#include <string>

#include "engine/autograd/apply.h"
#include "engine/ops/op_context.h"
#include "kernels/base/grad_mode.h"

namespace assay::autograd {

// A tensor as a matrix: its last axis is a row, all leading axes together count the rows.
struct Rows {
  int64_t rows;
  int64_t cols;
};
inline Rows as_rows(const Tensor& t) {
  const int64_t cols = t.rank() == 0 ? 1 : t.dim(t.rank() - 1);
  int64_t rows = 1;
  for (int64_t axis = 0; axis + 1 < t.rank(); ++axis) rows *= t.dim(axis);
  return {rows, cols};
}

inline GradMode mode_of(const GradSlot& slot) {
  return slot.accumulates ? GradMode::kAccumulate : GradMode::kOverwrite;
}

// Where a kernel writes a gradient; null where it is not wanted.
inline float* grad_address(const ops::OpContext& ctx, const GradSlot& slot) {
  return slot.is_wanted ? ctx.out<float>(slot.tensor) : nullptr;
}

inline void check_float32(const char* op, const char* name, const Tensor& t) {
  ASSAY_CHECK(t.dtype() == DType::kFloat32, op, ": ", name, " is ", dtype_name(t.dtype()), ", expected float32");
}

inline void check_shape(const char* op, const char* name, const Tensor& t, const Shape& expected) {
  ASSAY_CHECK(t.shape() == expected, op, ": ", name, " has shape ", to_string(t.shape()), ", expected ",
              to_string(expected));
}

}  // namespace assay::autograd
