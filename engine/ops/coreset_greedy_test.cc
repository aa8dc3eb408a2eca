// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/coreset_greedy.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::values_of;

TEST_CASE("coreset_greedy goes from the start to whatever is farthest from all taken") {
  const Coreset coreset = coreset_greedy(matrix(5, 1, {0, 1, 10, 4, 9}), 4, 1);
  CHECK(values_of<int64_t>(coreset.index) == std::vector<int64_t>{1, 2, 3, 0});
  CHECK(values_of<float>(coreset.radius2) == std::vector<float>{81, 9, 1, 1});
}

TEST_CASE("coreset_greedy takes nothing from nothing") {
  CHECK(coreset_greedy(matrix(0, 3, {}), 0, 0).index.size() == 0);
}

TEST_CASE("coreset_greedy refuses counts and starts outside the points, and wrong shapes, by name") {
  const Tensor points = matrix(3, 1, {1, 2, 3});
  CHECK_THROWS_WITH(coreset_greedy(points, 4, 0), "coreset_greedy: count is 4, expected 0 to 3, the number of points");
  CHECK_THROWS_WITH(coreset_greedy(points, -1, 0),
                    "coreset_greedy: count is -1, expected 0 to 3, the number of points");
  CHECK_THROWS_WITH(coreset_greedy(points, 1, 3), "coreset_greedy: start is 3, expected a row of points, 0 to 2");
  CHECK_THROWS_WITH(coreset_greedy(points.reshape({3}), 1, 0), "coreset_greedy: points has shape (3), expected (N, D)");
  CHECK_THROWS_WITH(coreset_greedy(matrix(3, 0, {}), 1, 0),
                    "coreset_greedy: points has shape (3, 0), expected (N, D) with D >= 1");
}

}  // namespace
}  // namespace assay::ops
