// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor/tensor.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace assay {
namespace {

TEST_CASE("rows and reshape share storage, clone does not") {
  Tensor t = Tensor::zeros<float>({4, 3}, "test");
  for (int i = 0; i < 12; ++i) t.data<float>()[i] = static_cast<float>(i);
  const Tensor middle = t.rows(1, 3);
  CHECK(middle.shape() == Shape{2, 3});
  CHECK(middle.data<float>()[0] == 3);
  CHECK(middle.rows(1, 2).data<float>()[2] == 8);
  const Tensor copy = middle.clone("test");
  t.reshape({2, 6}).data<float>()[3] = -1;
  CHECK(middle.data<float>()[0] == -1);
  CHECK(copy.data<float>()[0] == 3);
}

TEST_CASE("storage is aligned and counted under its tag until it is released") {
  {
    const Tensor t = Tensor::empty<uint8_t>({1000}, "tag under test");
    CHECK(reinterpret_cast<uintptr_t>(t.raw()) % kStorageAlignment == 0);
    CHECK(memory_usage()["tag under test"].live_bytes == 1000);
  }
  CHECK(memory_usage()["tag under test"].live_bytes == 0);
  CHECK(memory_usage()["tag under test"].peak_bytes == 1000);
}

TEST_CASE("wrong dtype, wrong rows, wrong reshape and absurd shapes are refused by name") {
  const Tensor t = Tensor::zeros<float>({4, 3}, "test");
  CHECK_THROWS_WITH(t.data<int32_t>(), "tensor of shape (4, 3) read as another dtype");
  CHECK_THROWS_WITH(t.rows(3, 5), "rows 3 to 5 of a tensor of shape (4, 3)");
  CHECK_THROWS_WITH(t.reshape({5}), "reshape: (4, 3) to (5) changes the number of elements");
  CHECK_THROWS_AS(Tensor::empty<float>({INT64_MAX, 2}, "test"), Error);
  CHECK_THROWS_AS(Tensor::empty<float>({INT64_MAX / 2}, "test"), Error);
  CHECK_THROWS_AS(Tensor::empty<float>({-1}, "test"), Error);
}

TEST_CASE("a tensor without elements is legal") {
  const Tensor t = Tensor::empty<float>({0, 5}, "test");
  CHECK(t.size() == 0);
  CHECK(t.rows(0, 0).size() == 0);
  CHECK(t.clone("test").shape() == Shape{0, 5});
}

}  // namespace
}  // namespace assay
