// SPDX-License-Identifier: Apache-2.0
// The ops on maps and feature grids: shapes, borders of their arguments and the words of their errors. Their
// arithmetic is tested beside the kernels.
#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "engine/ops/gaussian_blur.h"
#include "engine/ops/neighbourhood_mean.h"
#include "engine/ops/resize_bilinear.h"
#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

using testing::tensor_of;
using testing::values_of;

Tensor filled(const Shape& shape, float value) {
  return tensor_of<float>(shape, std::vector<float>(num_elements(shape), value));
}

TEST_CASE("neighbourhood_mean averages the window inside the grid, for each channel by itself") {
  const Tensor x = tensor_of<float>({2, 2, 2}, {8, 0, 0, 0, 0, 0, 0, 0});  // cell (0, 0), channel 0
  const Tensor y = neighbourhood_mean(x, 3);
  CHECK(y.shape() == Shape{2, 2, 2});
  CHECK(values_of<float>(y) == std::vector<float>{2, 0, 2, 0, 2, 0, 2, 0});
}

TEST_CASE("neighbourhood_mean of a batch keeps its images apart") {
  const Tensor y = neighbourhood_mean(tensor_of<float>({2, 1, 2, 1}, {2, 4, 0, 10}), 3);
  CHECK(y.shape() == Shape{2, 1, 2, 1});
  CHECK(values_of<float>(y) == std::vector<float>{3, 3, 5, 5});
}

TEST_CASE("neighbourhood_mean refuses other ranks, dtypes and even windows by name") {
  CHECK_THROWS_WITH(neighbourhood_mean(filled({2, 2}, 0), 3),
                    "neighbourhood_mean: features have shape (2, 2), expected (H, W, C) or (B, H, W, C) of float32");
  CHECK_THROWS_AS(neighbourhood_mean(Tensor::zeros<uint8_t>({2, 2, 2}, "test"), 3), Error);
  CHECK_THROWS_WITH(neighbourhood_mean(filled({2, 2, 2}, 0), 4),
                    "neighbourhood_mean: window 4, expected an odd number from 1 to 1023");
  CHECK_THROWS_AS(neighbourhood_mean(filled({2, 2, 2}, 0), -1), Error);
}

TEST_CASE("resize_bilinear keeps the rank of its grid") {
  CHECK(resize_bilinear(filled({2, 3}, 4), 5, 7).shape() == Shape{5, 7});
  const Tensor y = resize_bilinear(filled({2, 3, 6}, 4), 5, 7);
  CHECK(y.shape() == Shape{5, 7, 6});
  for (const float v : values_of<float>(y)) CHECK(v == 4);
  CHECK(resize_bilinear(filled({2, 3}, 4), 0, 7).size() == 0);
}

TEST_CASE("resize_bilinear of a batch keeps its grids apart") {
  const Tensor y = resize_bilinear(tensor_of<float>({2, 1, 2, 1}, {0, 4, 10, 10}), 1, 4);
  CHECK(y.shape() == Shape{2, 1, 4, 1});
  CHECK(values_of<float>(y) == std::vector<float>{0, 1, 3, 4, 10, 10, 10, 10});
}

TEST_CASE("resize_bilinear refuses other ranks, empty grids and negative sizes by name") {
  CHECK_THROWS_WITH(resize_bilinear(filled({4}, 0), 2, 2),
                    "resize_bilinear: grid has shape (4), expected (H, W), (H, W, C) or (B, H, W, C) of float32");
  CHECK_THROWS_AS(resize_bilinear(Tensor::zeros<uint8_t>({2, 2}, "test"), 2, 2), Error);
  CHECK_THROWS_WITH(resize_bilinear(filled({0, 4}, 0), 2, 2),
                    "resize_bilinear: grid has shape (0, 4), expected at least one row and one column");
  CHECK_THROWS_WITH(resize_bilinear(filled({2, 4}, 0), -1, 2),
                    "resize_bilinear: output size -1 x 2, expected two numbers of at least 0");
}

TEST_CASE("gaussian_blur returns a new map and leaves its input alone") {
  const Tensor x = testing::matrix(1, 3, {0, 1, 0});
  const Tensor blurred = gaussian_blur(x, 0.5);
  CHECK(blurred.shape() == Shape{1, 3});
  const std::vector<float> y = values_of<float>(blurred);
  CHECK(y[1] < 1);
  CHECK(y[0] == y[2]);
  CHECK(values_of<float>(x)[0] == 0);
  CHECK(gaussian_blur(filled({0, 4}, 0), 4).size() == 0);
  CHECK(gaussian_blur(filled({4, 0}, 0), 4).size() == 0);
}

TEST_CASE("gaussian_blur of a batch blurs each map by itself") {
  const std::vector<float> both = values_of<float>(gaussian_blur(tensor_of<float>({2, 1, 3}, {0, 1, 0, 5, 0, 0}), 0.5));
  const std::vector<float> first = values_of<float>(gaussian_blur(testing::matrix(1, 3, {0, 1, 0}), 0.5));
  const std::vector<float> second = values_of<float>(gaussian_blur(testing::matrix(1, 3, {5, 0, 0}), 0.5));
  CHECK(std::vector<float>(both.begin(), both.begin() + 3) == first);
  CHECK(std::vector<float>(both.begin() + 3, both.end()) == second);
}

TEST_CASE("gaussian_blur refuses other ranks, dtypes and sigmas by name") {
  CHECK_THROWS_WITH(gaussian_blur(filled({2, 2, 1, 1}, 0), 1),
                    "gaussian_blur: map has shape (2, 2, 1, 1), expected (H, W) or (B, H, W) of float32");
  CHECK_THROWS_AS(gaussian_blur(Tensor::zeros<uint8_t>({2, 2}, "test"), 1), Error);
  CHECK_THROWS_WITH(gaussian_blur(filled({2, 2}, 0), -1), "gaussian_blur: sigma -1, expected 0 to 10000 pixels");
  CHECK_THROWS_AS(gaussian_blur(filled({2, 2}, 0), std::numeric_limits<double>::quiet_NaN()), Error);
  CHECK_THROWS_AS(gaussian_blur(filled({2, 2}, 0), std::numeric_limits<double>::infinity()), Error);
}

}  // namespace
}  // namespace assay::ops
