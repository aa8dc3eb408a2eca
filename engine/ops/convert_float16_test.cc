// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/convert_float16.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::values_of;

TEST_CASE("to_float16 rounds, to_float32 leads back, and both keep the shape") {
  const Tensor half = to_float16(matrix(2, 2, {1, -0.5f, 2049, 1e9f}));
  CHECK(half.dtype() == DType::kFloat16);
  CHECK(half.shape() == Shape{2, 2});
  CHECK(testing::on_host(half).data<Float16>()[0].bits == 0x3c00);
  CHECK(testing::on_host(half).data<Float16>()[3].bits == 0x7c00);
  const Tensor full = to_float32(half.rows(0, 1));
  CHECK(full.shape() == Shape{1, 2});
  CHECK(values_of<float>(full) == std::vector<float>{1, -0.5f});
  CHECK(values_of<float>(to_float32(half))[2] == 2048);
}

TEST_CASE("to_float16_saturated makes no infinity, and leaves NaN") {
  const Tensor half = to_float16_saturated(matrix(1, 3, {1e9f, 65510, NAN}));
  const std::vector<float> back = values_of<float>(to_float32(half));
  CHECK(back[0] == 65504);
  CHECK(back[1] == 65504);
  CHECK(std::isnan(back[2]));
}

TEST_CASE("convert_float16 refuses other dtypes by name") {
  CHECK_THROWS_WITH(to_float16(Tensor::zeros<int32_t>({2}, "test")), "to_float16: x is int32, expected float32");
  CHECK_THROWS_WITH(to_float32(Tensor::zeros<float>({2}, "test")), "to_float32: x is float32, expected float16");
}

}  // namespace
}  // namespace assay::ops
