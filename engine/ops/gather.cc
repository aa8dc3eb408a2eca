// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/gather.h"

#include <algorithm>

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/gather/gather.h"

namespace assay::ops {
namespace {

void check_index(const char* op, const Tensor& index) {
  ASSAY_CHECK(index.rank() == 1 && index.dtype() == DType::kInt64, op, ": index has shape ", to_string(index.shape()),
              " of ", dtype_name(index.dtype()), ", expected one axis of int64");
}

}  // namespace

Tensor gather_rows(const Tensor& x, const Tensor& index, const char* tag) {
  check_matrix("gather_rows", "x", x, "(N, D)");
  check_index("gather_rows", index);
  const OpContext ctx("gather_rows", {{"x", &x}, {"index", &index}});
  const Tensor y = ctx.empty<float>({index.size(), x.dim(1)}, tag);
  ctx.run(kernels::gather_rows,
          {ctx.in<float>(x), ctx.in<int64_t>(index), ctx.out<float>(y), x.dim(0), index.size(), x.dim(1)});
  return y;
}

Tensor gather_rows(const Tensor& x, const std::vector<int64_t>& index, const char* tag) {
  check_matrix("gather_rows", "x", x, "(N, D)");
  for (const int64_t i : index) {
    ASSAY_CHECK(i >= 0 && i < x.dim(0), "gather_rows: row ", i, " of x, which has ", x.dim(0));
  }
  const Tensor host = Tensor::empty<int64_t>({static_cast<int64_t>(index.size())}, "gather_rows");
  std::copy(index.begin(), index.end(), host.data<int64_t>());
  return gather_rows(x, host.to(x.device(), "gather_rows"), tag);
}

Tensor gather_columns(const Tensor& x, const Tensor& index, const char* tag) {
  check_matrix("gather_columns", "x", x, "(R, D)");
  check_index("gather_columns", index);
  const OpContext ctx("gather_columns", {{"x", &x}, {"index", &index}});
  const Tensor y = ctx.empty<float>({x.dim(0), index.size()}, tag);
  ctx.run(kernels::gather_columns,
          {ctx.in<float>(x), ctx.in<int64_t>(index), ctx.out<float>(y), x.dim(0), x.dim(1), index.size()});
  return y;
}

}  // namespace assay::ops
