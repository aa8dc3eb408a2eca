// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/matmul.h"

#include <algorithm>

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/matmul/gemm.h"

namespace assay::ops {

Tensor matmul(const Tensor& a, const Tensor& b, Transpose transpose_a, Transpose transpose_b) {
  check_matrix("matmul", "a", a, "a matrix");
  check_matrix("matmul", "b", b, "a matrix");
  const bool ta = transpose_a == Transpose::kYes;
  const bool tb = transpose_b == Transpose::kYes;
  const int64_t m = a.dim(ta ? 1 : 0), k = a.dim(ta ? 0 : 1), n = b.dim(tb ? 0 : 1);
  ASSAY_CHECK(b.dim(tb ? 1 : 0) == k, "matmul: a has shape ", to_string(a.shape()), ta ? " transposed" : "",
              ", b has shape ", to_string(b.shape()), tb ? " transposed" : "", ": ", k, " columns meet ",
              b.dim(tb ? 1 : 0), " rows");
  const OpContext ctx("matmul", {{"a", &a}, {"b", &b}});
  const Tensor c = ctx.empty<float>({m, n}, "matmul");
  kernels::GemmArgs args = {};
  args.a = ctx.in<float>(a);
  args.b = ctx.in<float>(b);
  args.c = ctx.out<float>(c);
  args.m = m;
  args.n = n;
  args.k = k;
  args.lda = std::max<int64_t>(1, a.dim(1));
  args.ldb = std::max<int64_t>(1, b.dim(1));
  args.ldc = std::max<int64_t>(1, n);
  args.transpose_a = ta;
  args.transpose_b = tb;
  ctx.run(kernels::gemm, args);
  return c;
}

}  // namespace assay::ops
