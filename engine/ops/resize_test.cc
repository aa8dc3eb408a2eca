// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/resize.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

Tensor filled(const Shape& shape, const std::vector<uint8_t>& values) {
  Tensor t = Tensor::empty<uint8_t>(shape, "test");
  std::memcpy(t.raw(), values.data(), values.size());
  return testing::on_test_device(t);
}

std::vector<int> values(const Tensor& t) {
  const std::vector<uint8_t> v = testing::values_of<uint8_t>(t);
  return {v.begin(), v.end()};
}

template <class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_CASE("antialias_resize averages under a triangle") {
  // Weights 3/7, 3/7, 1/7 from the left, and from the right: (240 + 160) / 7 and (80 + 480 + 720) / 7.
  const Tensor y = antialias_resize(filled({1, 4, 1}, {0, 80, 160, 240}), 1, 2);
  CHECK(y.shape() == Shape{1, 2, 1});
  CHECK(values(y) == std::vector<int>{57, 183});
}

TEST_CASE("antialias_resize keeps channels apart") {
  const Tensor y = antialias_resize(filled({2, 1, 3}, {0, 100, 255, 10, 100, 0}), 1, 1);
  CHECK(values(y) == std::vector<int>{5, 100, 128});
}

TEST_CASE("nearest_resize copies pixels") {
  const Tensor y = nearest_resize(filled({2, 2}, {1, 2, 3, 4}), 4, 2);
  CHECK(y.shape() == Shape{4, 2});
  CHECK(values(y) == std::vector<int>{1, 2, 1, 2, 3, 4, 3, 4});
}

TEST_CASE("resizing something else than an 8-bit image says what was given") {
  const Tensor image = filled({1, 1, 3}, {1, 2, 3});
  const Tensor mask = filled({1, 1}, {1});
  CHECK(message_of([&] { antialias_resize(mask, 1, 1); }) ==
        "antialias_resize: input has shape (1, 1), expected (height, width, 1 or 3)");
  CHECK(message_of([&] {
          antialias_resize(filled({1, 1, 2}, {1, 2}), 1, 1);
        }) == "antialias_resize: input has shape (1, 1, 2), expected (height, width, 1 or 3)");
  CHECK(message_of([&] {
          antialias_resize(Tensor::zeros<float>({1, 1, 3}, "test"), 1, 1);
        }) == "antialias_resize: input of shape (1, 1, 3) is not uint8");
  CHECK(message_of([&] {
          antialias_resize(Tensor::zeros<uint8_t>({0, 4, 3}, "test"), 1, 1);
        }) == "antialias_resize: input has shape (0, 4, 3), expected a height and a width from 1 to 1048576");
  CHECK(message_of([&] { antialias_resize(image, 0, 5); }) ==
        "antialias_resize: output size is 0 x 5, expected a height and a width from 1 to 1048576");
  CHECK(message_of([&] { nearest_resize(image, 1, 1); }) ==
        "nearest_resize: input has shape (1, 1, 3), expected (height, width)");
  CHECK(message_of([&] { nearest_resize(mask, 1, 1048577); }) ==
        "nearest_resize: output size is 1 x 1048577, expected a height and a width from 1 to 1048576");
}

}  // namespace
}  // namespace assay::ops
