// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/segment_minimum.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
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

Segments::Segments(const Tensor& offsets, const PackedBank& references) : references_(references.rows()) {
  check_offsets(offsets, references_);
  offsets_ = offsets.to(references.device(), "segments");
}

void segment_minimum_into(const Tensor& queries, const PackedBank& references, const Segments& segments,
                          const Tensor& table, int64_t first_column) {
  check_queries(kName, queries, references);
  const OpContext ctx(kName, {{"queries", &queries},
                              {"references", &references.panels()},
                              {"segments", &segments.offsets()},
                              {"table", &table}});
  ASSAY_CHECK(segments.references() == references.rows(), kName, ": segments of ", segments.references(),
              " references for a bank of ", references.rows());
  check_matrix(kName, "table", table, "(Q, S)");
  ASSAY_CHECK(table.dim(0) == queries.dim(0), kName, ": table has shape ", to_string(table.shape()), ", expected (",
              queries.dim(0), ", S), a row a query");
  ASSAY_CHECK(first_column >= 0 && first_column <= table.dim(1) - segments.count(), kName, ": table has shape ",
              to_string(table.shape()), ", expected room for ", segments.count(), " segments from column ",
              first_column);
  if (table.size() == 0) return;
  const int64_t workspace_bytes = kernels::segment_minimum_workspace_bytes(
      ctx.device().backend, {queries.dim(0), references.rows(), references.dim()}, num_threads());
  const Storage workspace = ctx.workspace(workspace_bytes);
  ctx.run(kernels::segment_minimum,
          {ctx.in<float>(queries), references.view(ctx.stream()), ctx.in<int64_t>(segments.offsets()),
           ctx.out<float>(table) + first_column, queries.dim(0), segments.count(), table.dim(1), ctx.scratch(workspace),
           workspace_bytes});
}

Tensor segment_minimum(const Tensor& queries, const PackedBank& references, const Segments& segments) {
  check_queries(kName, queries, references);
  const Tensor table = Tensor::empty<float>({queries.dim(0), segments.count()}, kName, queries.device());
  segment_minimum_into(queries, references, segments, table, 0);
  return table;
}

Tensor segment_minimum(const Tensor& queries, const PackedBank& references, const Tensor& offsets) {
  return segment_minimum(queries, references, Segments(offsets, references));
}

}  // namespace assay::ops
