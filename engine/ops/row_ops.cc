// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/row_ops.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/elementwise/add_row.h"
#include "kernels/elementwise/normalise_rows.h"
#include "kernels/gather/gather.h"

namespace assay::ops {
namespace {

void check_columns(const char* op, const Tensor& x, const Tensor& y, int64_t begin) {
  check_matrix(op, "x", x, "(R, C)");
  check_matrix(op, "y", y, "(R, D)");
  ASSAY_CHECK(x.dim(0) == y.dim(0) && begin >= 0 && begin <= y.dim(1) - x.dim(1), op, ": y has shape ",
              to_string(y.shape()), ", expected ", x.dim(0), " rows with room for ", x.dim(1), " columns from ", begin);
}

}  // namespace

void add_row(const Tensor& y, const Tensor& offset) {
  check_matrix("add_row", "y", y, "(R, C)");
  check_dtype("add_row", "offset", offset, DType::kFloat32);
  ASSAY_CHECK(offset.shape() == Shape{y.dim(1)}, "add_row: offset has shape ", to_string(offset.shape()),
              ", expected (", y.dim(1), "), a row of y");
  const OpContext ctx("add_row", {{"y", &y}, {"offset", &offset}});
  ctx.run(kernels::add_row, {ctx.in<float>(offset), ctx.out<float>(y), y.dim(0), y.dim(1)});
}

void normalise_rows(const Tensor& x, const Tensor& y, int64_t begin) {
  check_columns("normalise_rows", x, y, begin);
  const OpContext ctx("normalise_rows", {{"x", &x}, {"y", &y}});
  ctx.run(kernels::normalise_rows, {ctx.in<float>(x), ctx.out<float>(y), x.dim(0), x.dim(1), y.dim(1), begin});
}

void place_columns(const Tensor& x, const Tensor& y, int64_t begin) {
  check_columns("place_columns", x, y, begin);
  const OpContext ctx("place_columns", {{"x", &x}, {"y", &y}});
  ctx.run(kernels::place_columns, {ctx.in<float>(x), ctx.out<float>(y), x.dim(0), x.dim(1), y.dim(1), begin});
}

}  // namespace assay::ops
