// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/nearest_neighbour.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/ops/top_k_neighbours.h"
#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;

TEST_CASE("nearest_neighbour answers with the distance and row of each query's nearest bank row") {
  const PackedBank bank(matrix(3, 2, {0, 0, 10, 0, 0, 10}));  // the tensor is gone when the bank is searched
  CHECK(bank.rows() == 3);
  CHECK(bank.dim() == 2);
  const NearestNeighbour found = nearest_neighbour(matrix(2, 2, {9, 1, 1, 7}), bank);
  REQUIRE(found.index.shape() == Shape{2});
  REQUIRE(found.distance2.shape() == Shape{2});
  CHECK(testing::on_host(found.index).data<int64_t>()[0] == 1);
  CHECK(testing::on_host(found.index).data<int64_t>()[1] == 2);
  CHECK(testing::on_host(found.distance2).data<float>()[0] == 2);
  CHECK(testing::on_host(found.distance2).data<float>()[1] == 10);
}

TEST_CASE("nearest_neighbour and top_k_neighbours find the same in a bank of any size and width") {
  for (const int64_t rows : {100, 700}) {  // the second may be searched by bytes
    for (const int64_t dim : {8, 64}) {
      CAPTURE(rows);
      CAPTURE(dim);
      std::vector<float> values;
      for (int64_t i = 0; i < rows * dim; ++i) values.push_back(static_cast<float>(i * 7919 % 1009));
      const PackedBank bank(matrix(rows, dim, values));  // the tensor is gone when the bank is searched
      const PackedBank copy = bank;
      const std::vector<float> last(values.end() - 3 * dim, values.end());
      const NearestNeighbour found = nearest_neighbour(matrix(3, dim, last), copy);
      const TopKNeighbours top = top_k_neighbours(matrix(3, dim, last), copy, 1);
      for (int64_t q = 0; q < 3; ++q) {
        CHECK(testing::on_host(found.index).data<int64_t>()[q] == rows - 3 + q);
        CHECK(testing::on_host(found.distance2).data<float>()[q] == 0);
        CHECK(testing::on_host(top.index).data<int64_t>()[q] == rows - 3 + q);
      }
    }
  }
}

TEST_CASE("nearest_neighbour takes no queries, and answers -1 from an empty bank") {
  CHECK(nearest_neighbour(matrix(0, 2, {}), PackedBank(matrix(1, 2, {1, 2}))).index.size() == 0);
  const NearestNeighbour found = nearest_neighbour(matrix(1, 2, {1, 2}), PackedBank(matrix(0, 2, {})));
  CHECK(testing::on_host(found.index).data<int64_t>()[0] == -1);
  CHECK(testing::on_host(found.distance2).data<float>()[0] == std::numeric_limits<float>::infinity());
}

TEST_CASE("nearest_neighbour and PackedBank refuse wrong shapes and dtypes by name") {
  const PackedBank bank(matrix(1, 2, {1, 2}));
  CHECK_THROWS_WITH(nearest_neighbour(matrix(1, 3, {1, 2, 3}), bank),
                    "nearest_neighbour: queries has shape (1, 3), expected (Q, 2), the width of the bank");
  CHECK_THROWS_WITH(nearest_neighbour(Tensor::zeros<float>({2}, "test"), bank),
                    "nearest_neighbour: queries has shape (2), expected (Q, D)");
  CHECK_THROWS_WITH(nearest_neighbour(Tensor::zeros<int64_t>({1, 2}, "test"), bank),
                    "nearest_neighbour: queries is int64, expected float32");
  CHECK_THROWS_WITH(PackedBank(Tensor::zeros<float>({4, 0}, "test")),
                    "packed_bank: rows has shape (4, 0), expected (N, D) with D >= 1");
  CHECK_THROWS_WITH(PackedBank(Tensor::zeros<Float16>({4, 2}, "test")),
                    "packed_bank: rows is float16, expected float32");
}

}  // namespace
}  // namespace assay::ops
