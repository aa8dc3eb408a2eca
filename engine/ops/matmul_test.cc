// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/matmul.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

Tensor matrix(int64_t rows, int64_t columns) {
  const Tensor t = Tensor::empty<float>({rows, columns}, "test");
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>(i + 1);
  return testing::on_test_device(t);
}

TEST_CASE("matmul multiplies with and without transposes") {
  const Tensor a = matrix(2, 3);  // 1 2 3 / 4 5 6
  const Tensor product = matmul(a, a, Transpose::kNo, Transpose::kYes);
  CHECK(product.shape() == Shape{2, 2});
  CHECK(testing::values_of<float>(product) == std::vector<float>{14, 32, 32, 77});
  CHECK(matmul(a, a, Transpose::kYes, Transpose::kNo).shape() == Shape{3, 3});
  CHECK(matmul(matrix(0, 3), matrix(3, 2)).shape() == Shape{0, 2});
}

TEST_CASE("matmul names shapes that do not fit") {
  CHECK_THROWS_WITH(matmul(matrix(2, 3), matrix(2, 3)),
                    "matmul: a has shape (2, 3), b has shape (2, 3): 3 columns meet 2 rows");
  CHECK_THROWS_AS(matmul(matrix(2, 3), Tensor::zeros<uint8_t>({3, 2}, "test")), Error);
  CHECK_THROWS_AS(matmul(matrix(2, 3).reshape({6}), matrix(6, 1)), Error);
}

}  // namespace
}  // namespace assay::ops
