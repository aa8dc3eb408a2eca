// SPDX-License-Identifier: Apache-2.0
// Shapes and the words of errors. The arithmetic is tested beside the kernel.
#include "engine/ops/batch_norm_apply.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::tensor_of;
using testing::values_of;

Tensor pair(float a, float b) { return tensor_of<float>({2}, {a, b}); }

TEST_CASE("batch_norm_apply centres, scales and shifts each channel by what it is given") {
  const Tensor x = tensor_of<float>({1, 2, 2}, {1, 2, 3, 6});
  // Variance and eps together are powers of 4.
  const Tensor y = batch_norm_apply(x, pair(1, 2), pair(0.75f, 3.75f), pair(1, 3), pair(10, 20), 0.25f);
  CHECK(y.shape() == Shape{1, 2, 2});
  CHECK(values_of<float>(y) == std::vector<float>{10, 20, 12, 26});
}

TEST_CASE("batch_norm_apply refuses what does not fit by name") {
  const Tensor x = tensor_of<float>({1, 2}, {1, 2}), one = tensor_of<float>({1}, {1}), two = pair(1, 1);
  CHECK_THROWS_WITH(batch_norm_apply(x, one, two, two, two, 1),
                    "batch_norm_apply: mean has shape (1), expected (2), the last axis of x");
  CHECK_THROWS_WITH(batch_norm_apply(x, two, two, two, one, 1),
                    "batch_norm_apply: beta has shape (1), expected (2), the last axis of x");
  CHECK_THROWS_WITH(batch_norm_apply(x, two, two, two, two, 0),
                    "batch_norm_apply: eps is 0, expected a positive number");
  CHECK_THROWS_WITH(batch_norm_apply(tensor_of<float>({2, 0}, {}), two, two, two, two, 1),
                    "batch_norm_apply: x has shape (2, 0), expected (..., C) with C >= 1");
  CHECK_THROWS_WITH(batch_norm_apply(tensor_of<int32_t>({1, 2}, {1, 2}), two, two, two, two, 1),
                    "batch_norm_apply: x is int32, expected float32");
}

}  // namespace
}  // namespace assay::ops
