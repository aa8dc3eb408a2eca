// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/cosine_distance.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/loss/cosine_distance.h"

namespace assay::ops {

Tensor cosine_distance(const Tensor& a, const Tensor& b) {
  check_matrix("cosine_distance", "a", a, "(R, C)");
  check_matrix("cosine_distance", "b", b, "(R, C)");
  ASSAY_CHECK(a.shape() == b.shape() && a.dim(1) >= 1, "cosine_distance: a has shape ", to_string(a.shape()), ", b ",
              to_string(b.shape()), ", expected the same (R, C) with C >= 1");
  const OpContext ctx("cosine_distance", {{"a", &a}, {"b", &b}});
  const Tensor distance = ctx.empty<float>({a.dim(0)}, "cosine_distance");
  const Storage workspace =
      ctx.workspace(static_cast<int64_t>(kernels::cosine_distance_workspace_bytes(a.dim(0), a.dim(1))));
  ctx.run(kernels::cosine_distance_forward, {ctx.in<float>(a), ctx.in<float>(b), ctx.out<float>(distance), nullptr,
                                             static_cast<double*>(ctx.scratch(workspace)), a.dim(0), a.dim(1)});
  return distance;
}

}  // namespace assay::ops
