// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/top_k_neighbours.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::values_of;

TEST_CASE("top_k_neighbours lists the nearest rows first and marks places beyond the bank") {
  const PackedBank bank(matrix(3, 1, {0, 10, 4}));
  const TopKNeighbours found = top_k_neighbours(matrix(2, 1, {1, 9}), bank, 4);
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(found.index.shape() == Shape{2, 4});
  CHECK(values_of<int64_t>(found.index) == std::vector<int64_t>{0, 2, 1, -1, 1, 2, 0, -1});
  CHECK(values_of<float>(found.distance2) == std::vector<float>{1, 9, 81, inf, 1, 25, 81, inf});
}

TEST_CASE("top_k_neighbours refuses k out of range and wrong shapes by name") {
  const PackedBank bank(matrix(2, 1, {0, 10}));
  CHECK_THROWS_WITH(top_k_neighbours(matrix(1, 1, {1}), bank, 0), "top_k_neighbours: k is 0, expected 1 to 64");
  CHECK_THROWS_WITH(top_k_neighbours(matrix(1, 1, {1}), bank, 65), "top_k_neighbours: k is 65, expected 1 to 64");
  CHECK_THROWS_WITH(top_k_neighbours(matrix(1, 2, {1, 2}), bank, 1),
                    "top_k_neighbours: queries has shape (1, 2), expected (Q, 1), the width of the bank");
}

}  // namespace
}  // namespace assay::ops
