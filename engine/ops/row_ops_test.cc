// SPDX-License-Identifier: Apache-2.0
// Shapes and the words of errors of gathers and row ops. Their arithmetic is tested beside the kernels.
#include "engine/ops/row_ops.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/ops/gather.h"
#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::tensor_of;
using testing::values_of;

TEST_CASE("gather_rows and gather_columns pick by number, again and in any order") {
  const Tensor x = matrix(3, 2, {1, 2, 3, 4, 5, 6});
  const Tensor rows = gather_rows(x, std::vector<int64_t>{2, 0, 2});
  CHECK(rows.shape() == Shape{3, 2});
  CHECK(values_of<float>(rows) == std::vector<float>{5, 6, 1, 2, 5, 6});
  CHECK(values_of<float>(gather_rows(x, tensor_of<int64_t>({1}, {1}))) == std::vector<float>{3, 4});
  CHECK(values_of<float>(gather_columns(x, tensor_of<int64_t>({2}, {1, 1}))) == std::vector<float>{2, 2, 4, 4, 6, 6});
  CHECK(gather_rows(x, std::vector<int64_t>{}).shape() == Shape{0, 2});
}

TEST_CASE("gathers refuse rows that are not there and wrong shapes by name") {
  const Tensor x = matrix(3, 2, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(gather_rows(x, std::vector<int64_t>{0, 3}), "gather_rows: row 3 of x, which has 3");
  CHECK_THROWS_WITH(gather_rows(x, std::vector<int64_t>{-1}), "gather_rows: row -1 of x, which has 3");
  CHECK_THROWS_WITH(gather_rows(x.reshape({6}), std::vector<int64_t>{0}),
                    "gather_rows: x has shape (6), expected (N, D)");
  CHECK_THROWS_WITH(gather_rows(x, x), "gather_rows: index has shape (3, 2) of float32, expected one axis of int64");
  CHECK_THROWS_WITH(gather_columns(x, x),
                    "gather_columns: index has shape (3, 2) of float32, expected one axis of int64");
}

TEST_CASE("add_row adds to each row in place") {
  const Tensor y = matrix(2, 2, {1, 2, 3, 4});
  add_row(y, tensor_of<float>({2}, {10, 20}));
  CHECK(values_of<float>(y) == std::vector<float>{11, 22, 13, 24});
  CHECK_THROWS_WITH(add_row(y, tensor_of<float>({3}, {1, 2, 3})),
                    "add_row: offset has shape (3), expected (2), a row of y");
}

TEST_CASE("place_columns writes its columns and no others") {
  const Tensor y = matrix(2, 3, {9, 9, 9, 9, 9, 9});
  place_columns(matrix(2, 2, {1, 2, 3, 4}), y, 1);
  CHECK(values_of<float>(y) == std::vector<float>{9, 1, 2, 9, 3, 4});
  CHECK_THROWS_WITH(place_columns(matrix(2, 2, {1, 2, 3, 4}), y, 2),
                    "place_columns: y has shape (2, 3), expected 2 rows with room for 2 columns from 2");
}

TEST_CASE("normalise_rows writes its columns and no others") {
  const Tensor y = matrix(2, 4, {9, 9, 9, 9, 9, 9, 9, 9});
  normalise_rows(matrix(2, 2, {3, 4, 0, 0}), y, 1);
  CHECK(values_of<float>(y) == std::vector<float>{9, 0.6f, 0.8f, 9, 9, 0, 0, 9});
  CHECK_THROWS_WITH(normalise_rows(matrix(2, 2, {3, 4, 0, 0}), y, 3),
                    "normalise_rows: y has shape (2, 4), expected 2 rows with room for 2 columns from 3");
  CHECK_THROWS_WITH(normalise_rows(matrix(1, 2, {3, 4}), y, 0),
                    "normalise_rows: y has shape (2, 4), expected 1 rows with room for 2 columns from 0");
}

}  // namespace
}  // namespace assay::ops
