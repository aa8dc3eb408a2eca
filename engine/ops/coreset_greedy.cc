// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/coreset_greedy.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/coreset/greedy_k_center.h"

namespace assay::ops {

Coreset coreset_greedy(const Tensor& points, int64_t count, int64_t start) {
  check_matrix("coreset_greedy", "points", points, "(N, D)");
  const int64_t num_points = points.dim(0);
  const int64_t dim = points.dim(1);
  ASSAY_CHECK(dim >= 1, "coreset_greedy: points has shape ", to_string(points.shape()),
              ", expected (N, D) with D >= 1");
  ASSAY_CHECK(count >= 0 && count <= num_points, "coreset_greedy: count is ", count, ", expected 0 to ", num_points,
              ", the number of points");
  ASSAY_CHECK(count == 0 || (start >= 0 && start < num_points), "coreset_greedy: start is ", start,
              ", expected a row of points, 0 to ", num_points - 1);
  const OpContext ctx("coreset_greedy", {{"points", &points}});
  Coreset out{ctx.empty<int64_t>({count}, "coreset"), ctx.empty<float>({count}, "coreset")};
  if (count == 0) return out;
  const Storage workspace =
      ctx.workspace(kernels::greedy_k_center_workspace_bytes(num_points, dim, count, ctx.device().backend));
  ctx.run(kernels::greedy_k_center, {ctx.in<float>(points), ctx.out<int64_t>(out.index), ctx.out<float>(out.radius2),
                                     num_points, dim, count, start, ctx.scratch(workspace)});
  return out;
}

}  // namespace assay::ops
