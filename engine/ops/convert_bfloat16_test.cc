// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/convert_bfloat16.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::matrix;
using testing::values_of;

TEST_CASE("to_bfloat16 rounds, from_bfloat16 leads back, and both keep the shape") {
  const Tensor brief = to_bfloat16(matrix(2, 2, {1, -0.5f, 257, 1e30f}));
  CHECK(brief.dtype() == DType::kBFloat16);
  CHECK(brief.bytes() == 8);
  CHECK(brief.shape() == Shape{2, 2});
  CHECK(testing::on_host(brief).data<BFloat16>()[0].bits == 0x3f80);
  const Tensor full = from_bfloat16(brief.rows(0, 1));
  CHECK(full.shape() == Shape{1, 2});
  CHECK(values_of<float>(full) == std::vector<float>{1, -0.5f});
  const std::vector<float> back = values_of<float>(from_bfloat16(brief));
  CHECK(back[2] == 256);  // eight binary digits, the tie to even
  CHECK(back[3] == doctest::Approx(1e30).epsilon(1.0 / 256));
}

TEST_CASE("convert_bfloat16 refuses other dtypes by name") {
  CHECK_THROWS_WITH(to_bfloat16(Tensor::zeros<int32_t>({2}, "test")), "to_bfloat16: x is int32, expected float32");
  CHECK_THROWS_WITH(from_bfloat16(Tensor::zeros<Float16>({2}, "test")),
                    "from_bfloat16: x is float16, expected bfloat16");
}

}  // namespace
}  // namespace assay::ops
