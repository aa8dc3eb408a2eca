// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/nearest_neighbour.h"

#include "engine/ops/op_context.h"
#include "kernels/base/parallel.h"
#include "kernels/knn/nearest_neighbour.h"

namespace assay::ops {

NearestNeighbour nearest_neighbour(const Tensor& queries, const PackedBank& bank) {
  check_queries("nearest_neighbour", queries, bank);
  const int64_t num_queries = queries.dim(0);
  const OpContext ctx("nearest_neighbour", {{"queries", &queries}, {"bank", &bank.panels()}});
  NearestNeighbour out{ctx.empty<float>({num_queries}, "nearest_neighbour"),
                       ctx.empty<int64_t>({num_queries}, "nearest_neighbour")};
  const int64_t workspace_bytes = kernels::nearest_neighbour_workspace_bytes(
      ctx.device().backend, {num_queries, bank.rows(), bank.dim()}, num_threads());
  const Storage workspace = ctx.workspace(workspace_bytes);
  ctx.run(kernels::nearest_neighbour,
          {ctx.in<float>(queries), bank.view(ctx.stream()), ctx.out<float>(out.distance2), ctx.out<int64_t>(out.index),
           num_queries, ctx.scratch(workspace), workspace_bytes});
  return out;
}

}  // namespace assay::ops
