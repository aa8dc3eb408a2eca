// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/segment_minimum.h"

#include "engine/ops/check_tensor.h"
#include "kernels/base/parallel.h"
#include "kernels/knn/segment_minimum.h"

namespace assay::ops {
namespace {

constexpr const char* kName = "segment_minimum";

void check_offsets(const Tensor& offsets, int64_t references) {
  ASSAY_CHECK(offsets.rank() == 1 && offsets.size() >= 1, kName, ": offsets has shape ", to_string(offsets.shape()),
              ", expected (J + 1)");
  check_dtype(kName, "offsets", offsets, DType::kInt64);
  const int64_t* at = offsets.data<int64_t>();
  const int64_t num_segments = offsets.size() - 1;
  ASSAY_CHECK(at[0] == 0, kName, ": offsets[0] is ", at[0], ", expected 0");
  for (int64_t j = 0; j < num_segments; ++j) {
    ASSAY_CHECK(at[j] <= at[j + 1], kName, ": offsets[", j + 1, "] is ", at[j + 1], ", below offsets[", j,
                "] = ", at[j]);
  }
  ASSAY_CHECK(at[num_segments] == references, kName, ": offsets[", num_segments, "] is ", at[num_segments],
              ", expected ", references, ", the number of references");
}

}  // namespace

void segment_minimum_into(const Tensor& queries, const PackedBank& references, const Tensor& offsets, float* table,
                          int64_t table_stride) {
  check_queries(kName, queries, references);
  check_offsets(offsets, references.rows());
  const int64_t num_segments = offsets.size() - 1;
  ASSAY_CHECK(table_stride >= num_segments, kName, ": table_stride is ", table_stride, ", expected at least ",
              num_segments, ", the number of segments");
  const int64_t workspace_bytes = kernels::segment_minimum_workspace_bytes(num_threads(), references.dim());
  const Storage workspace(static_cast<size_t>(workspace_bytes), "workspace");
  run(kernels::segment_minimum, {queries.data<float>(), references.view(), offsets.data<int64_t>(), table,
                                 queries.dim(0), num_segments, table_stride, workspace.data(), workspace_bytes});
}

Tensor segment_minimum(const Tensor& queries, const PackedBank& references, const Tensor& offsets) {
  check_queries(kName, queries, references);
  check_offsets(offsets, references.rows());
  const Tensor table = Tensor::empty<float>({queries.dim(0), offsets.size() - 1}, kName);
  segment_minimum_into(queries, references, offsets, table.data<float>(), table.dim(1));
  return table;
}

}  // namespace assay::ops
