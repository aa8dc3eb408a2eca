// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/segment_minimum.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::tensor_of;
using testing::values_of;

Tensor offsets(const std::vector<int64_t>& values) {
  return testing::on_host(tensor_of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

TEST_CASE("segment_minimum gives the distance to the nearest reference of each image") {
  const PackedBank references(matrix(4, 2, {0, 0, 10, 0, 0, 10, 5, 5}));
  const Tensor table = segment_minimum(matrix(2, 2, {9, 1, 1, 7}), references, offsets({0, 1, 1, 4}));
  CHECK(table.shape() == Shape{2, 3});
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(values_of<float>(table) == std::vector<float>{82, inf, 2, 50, inf, 10});
}

TEST_CASE("segment_minimum_into fills columns of a wider table") {
  const PackedBank references(matrix(2, 1, {1, 4}));
  const Tensor table = matrix(2, 3, {-1, -1, -1, -1, -1, -1});
  segment_minimum_into(matrix(2, 1, {0, 3}), references, Segments(offsets({0, 1, 2}), references), table, 1);
  CHECK(values_of<float>(table) == std::vector<float>{-1, 1, 16, -1, 4, 1});
}

TEST_CASE("segment_minimum refuses offsets that do not cut the references, and wrong shapes, by name") {
  const PackedBank references(matrix(4, 2, {0, 0, 10, 0, 0, 10, 5, 5}));
  const Tensor queries = matrix(1, 2, {1, 2});
  CHECK_THROWS_WITH(segment_minimum(queries, references, offsets({1, 4})),
                    "segment_minimum: offsets[0] is 1, expected 0");
  CHECK_THROWS_WITH(segment_minimum(queries, references, offsets({0, 3, 2, 4})),
                    "segment_minimum: offsets[2] is 2, below offsets[1] = 3");
  CHECK_THROWS_WITH(segment_minimum(queries, references, offsets({0, 3})),
                    "segment_minimum: offsets[1] is 3, expected 4, the number of references");
  CHECK_THROWS_WITH(segment_minimum(queries, references, offsets({})),
                    "segment_minimum: offsets has shape (0), expected (J + 1)");
  CHECK_THROWS_WITH(segment_minimum(queries, references, Tensor::zeros<int32_t>({2}, "test")),
                    "segment_minimum: offsets is int32, expected int64");
  CHECK_THROWS_WITH(segment_minimum(matrix(1, 1, {1}), references, offsets({0, 4})),
                    "segment_minimum: queries has shape (1, 1), expected (Q, 2), the width of the bank");
  const Segments segments(offsets({0, 2, 4}), references);
  CHECK_THROWS_WITH(segment_minimum_into(queries, references, segments, matrix(1, 1, {0}), 0),
                    "segment_minimum: table has shape (1, 1), expected room for 2 segments from column 0");
  CHECK_THROWS_WITH(segment_minimum_into(queries, references, segments, matrix(1, 3, {0, 0, 0}), 2),
                    "segment_minimum: table has shape (1, 3), expected room for 2 segments from column 2");
  CHECK_THROWS_WITH(segment_minimum_into(queries, references, segments, matrix(2, 2, {0, 0, 0, 0}), 0),
                    "segment_minimum: table has shape (2, 2), expected (1, S), a row a query");
  CHECK_THROWS_WITH(segment_minimum(queries, PackedBank(matrix(1, 2, {0, 0})), segments),
                    "segment_minimum: segments of 4 references for a bank of 1");
}

}  // namespace
}  // namespace assay::ops
