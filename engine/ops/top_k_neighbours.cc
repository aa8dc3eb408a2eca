// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/top_k_neighbours.h"

#include "engine/ops/op_context.h"
#include "kernels/base/check.h"
#include "kernels/base/parallel.h"
#include "kernels/knn/top_k.h"

namespace assay::ops {

TopKNeighbours top_k_neighbours(const Tensor& queries, const PackedBank& bank, int64_t k) {
  check_queries("top_k_neighbours", queries, bank);
  ASSAY_CHECK(k >= 1 && k <= kernels::kMaxTopK, "top_k_neighbours: k is ", k, ", expected 1 to ", kernels::kMaxTopK);
  const int64_t num_queries = queries.dim(0);
  const OpContext ctx("top_k_neighbours", {{"queries", &queries}, {"bank", &bank.panels()}});
  TopKNeighbours out{ctx.empty<float>({num_queries, k}, "top_k_neighbours"),
                     ctx.empty<int64_t>({num_queries, k}, "top_k_neighbours")};
  const int64_t workspace_bytes =
      kernels::top_k_workspace_bytes(ctx.device().backend, {num_queries, bank.rows(), bank.dim()}, k, num_threads());
  const Storage workspace = ctx.workspace(workspace_bytes);
  ctx.run(kernels::top_k, {ctx.in<float>(queries), bank.view(ctx.stream()), ctx.out<float>(out.distance2),
                           ctx.out<int64_t>(out.index), num_queries, k, ctx.scratch(workspace), workspace_bytes});
  return out;
}

}  // namespace assay::ops
