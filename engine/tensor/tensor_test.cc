// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor/tensor.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/test_device.h"

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

TEST_CASE("a tensor goes to the device and back, whole or in rows, and keeps its bits") {
  const std::vector<float> values = {1, -2, 3.5f, 0, 7, 1e-40f};
  const Tensor device = testing::matrix(3, 2, values);
  CHECK(device.device() == testing::test_device());
  CHECK(testing::values_of<float>(device) == values);
  CHECK(testing::values_of<float>(device.rows(1, 3)) == std::vector<float>{3.5f, 0, 7, 1e-40f});
  CHECK(testing::values_of<float>(device.rows(1, 2).clone("test")) == std::vector<float>{3.5f, 0});
  CHECK(device.clone("test").device() == testing::test_device());
  CHECK(testing::values_of<float>(device.reshape({6})) == values);
  CHECK(testing::values_of<float>(Tensor::zeros<float>({2, 2}, "test", testing::test_device())) ==
        std::vector<float>(4, 0));
  CHECK(testing::values_of<float>(Tensor::empty<float>({0, 5}, "test", testing::test_device())).empty());
}

TEST_CASE("a tensor that is there already is not copied") {
  const Tensor t = testing::matrix(1, 2, {1, 2});
  const int64_t before = total_memory_usage(t.device()).live_bytes;
  const Tensor same = t.to(t.device(), "test");
  CHECK(total_memory_usage(t.device()).live_bytes == before);
}

TEST_CASE("the host is kept from a GPU's elements") {
  if (!testing::on_cuda()) return;  // on the CPU there are none
  const Tensor t = testing::matrix(2, 2, {1, 2, 3, 4});
  CHECK_THROWS_WITH(t.data<float>(), "tensor of shape (2, 2) lies on cuda:0, where the host cannot reach it");
  CHECK_THROWS_WITH(t.raw(), "tensor of shape (2, 2) lies on cuda:0, where the host cannot reach it");
  CHECK_THROWS_WITH(t.data<int32_t>(), "tensor of shape (2, 2) read as another dtype");
}

TEST_CASE("copy refuses other shapes, dtypes and streams of another device") {
  const Stream& stream = current_stream(testing::test_device());
  const Tensor a = testing::matrix(2, 2, {1, 2, 3, 4});
  CHECK_THROWS_WITH(copy(a, Tensor::zeros<float>({4}, "test"), stream),
                    "copy: from shape (2, 2) of float32 to shape (4) of float32");
  CHECK_THROWS_WITH(copy(a, Tensor::zeros<int32_t>({2, 2}, "test"), stream),
                    "copy: from shape (2, 2) of float32 to shape (2, 2) of int32");
  if (testing::on_cuda()) {
    CHECK_THROWS_WITH(copy(a, Tensor::zeros<float>({2, 2}, "test"), current_stream(Device::cpu())),
                      "copy: from cuda:0 to cpu on a stream of cpu");
  }
}

TEST_CASE("a tensor that one thread made is read by another") {
  const Tensor t = testing::matrix(1, 3, {4, 5, 6});
  const Tensor copy = t.clone("test");  // queued on this thread's stream, maybe not done
  std::vector<float> seen;
  std::thread([&] { seen = testing::values_of<float>(copy); }).join();
  CHECK(seen == std::vector<float>{4, 5, 6});
}

TEST_CASE("a tensor goes from GPU to GPU") {
  if (!testing::on_cuda() || !devices_from_name("cuda:1").ok()) return;  // takes two GPUs
  const Tensor first = testing::matrix(2, 2, {1, 2, 3, 4});
  const Tensor second = first.to(Device::cuda(1), "moved");
  CHECK(second.device() == Device::cuda(1));
  CHECK(memory_usage(Device::cuda(1))["moved"].live_bytes == 16);
  CHECK(testing::values_of<float>(second) == std::vector<float>{1, 2, 3, 4});
}

}  // namespace
}  // namespace assay
