// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/nearest_neighbour.h"

#include "kernels/base/parallel.h"
#include "kernels/knn/nearest_neighbour.h"

namespace assay::ops {

NearestNeighbour nearest_neighbour(const Tensor& queries, const PackedBank& bank) {
  check_queries("nearest_neighbour", queries, bank);
  const int64_t num_queries = queries.dim(0);
  NearestNeighbour out{Tensor::empty<float>({num_queries}, "nearest_neighbour"),
                       Tensor::empty<int64_t>({num_queries}, "nearest_neighbour")};
  const int64_t workspace_bytes = kernels::nearest_neighbour_workspace_bytes(num_threads(), bank.dim());
  const Storage workspace(static_cast<size_t>(workspace_bytes), "workspace");
  run(kernels::nearest_neighbour, {queries.data<float>(), bank.view(), out.distance2.data<float>(),
                                   out.index.data<int64_t>(), num_queries, workspace.data(), workspace_bytes});
  return out;
}

}  // namespace assay::ops
