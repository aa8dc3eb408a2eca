// SPDX-License-Identifier: Apache-2.0
// Shapes, borders and the words of errors, and what the kernels give together. Their arithmetic is tested beside them.
#include "engine/ops/position_gaussians.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "tests/support/test_device.h"

namespace assay::ops {
namespace {

Tensor random_tensor(const Shape& shape, uint32_t seed) {
  std::mt19937 engine(seed);
  Tensor t = Tensor::empty<float>(shape, "test");
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>(engine() * 0x1p-31 - 1);
  return t;
}

// Fitted on the test device, brought back to be looked at.
PositionGaussians fitted(const Tensor& samples, double regularisation = 0.01) {
  GaussianAccumulator accumulator(samples.dim(1), samples.dim(2), testing::test_device());
  accumulator.add(testing::on_test_device(samples));
  return std::move(accumulator).finish(regularisation).to(Device::cpu());
}

std::vector<float> distances(const PositionGaussians& gaussians, const Tensor& x) {
  return testing::values_of<float>(mahalanobis(gaussians.to(testing::test_device()), testing::on_test_device(x)));
}

// x (rows, D) with channels in reverse order.
Tensor reversed(const Tensor& x) {
  const int64_t channels = x.shape().back();
  Tensor y = Tensor::empty<float>(x.shape(), "test");
  for (int64_t i = 0; i < x.size(); ++i) {
    y.data<float>()[i] = x.data<float>()[i / channels * channels + channels - 1 - i % channels];
  }
  return y;
}

TEST_CASE("one channel: the distance is |x - mean| over the standard deviation") {
  Tensor samples = Tensor::empty<float>({3, 1, 1}, "test");
  samples.data<float>()[0] = 1;
  samples.data<float>()[1] = 3;
  samples.data<float>()[2] = 5;  // mean 3, variance 4
  const PositionGaussians g = fitted(samples, 5);
  CHECK(g.mean.data<float>()[0] == 3);
  CHECK(g.cholesky.data<float>()[0] == 3);  // sqrt(4 + 5)
  Tensor x = Tensor::empty<float>({1, 1}, "test");
  x.data<float>()[0] = -3;
  CHECK(distances(g, x)[0] == 2);
}

TEST_CASE("one sample: the distance is Euclidean over the root of the regularisation") {
  const Tensor sample = random_tensor({1, 2, 3}, 1);
  const PositionGaussians g = fitted(sample, 0.25);
  const Tensor x = random_tensor({2, 3}, 2);
  for (int64_t p = 0; p < 2; ++p) {
    double squared = 0;
    for (int64_t i = 3 * p; i < 3 * p + 3; ++i) {
      squared += std::pow(double{x.data<float>()[i]} - sample.data<float>()[i], 2);
    }
    CHECK(distances(g, x)[p] == doctest::Approx(2 * std::sqrt(squared)).epsilon(1e-6));
  }
}

TEST_CASE("the order of channels leaves distances alone") {
  const Tensor samples = random_tensor({9, 5, 12}, 3);  // fewer samples than channels
  const Tensor x = random_tensor({5, 12}, 4);
  const std::vector<float> a = distances(fitted(samples), x);
  const std::vector<float> b = distances(fitted(reversed(samples)), reversed(x));
  // The factor is rounded to float32: its relative error times the root of the condition number, some 30 here.
  for (int64_t p = 0; p < 5; ++p) CHECK(a[p] == doctest::Approx(b[p]).epsilon(1e-4));
}

TEST_CASE("a fitted Gaussian validates; each corruption is named") {
  const PositionGaussians good = fitted(random_tensor({4, 3, 2}, 5));
  CHECK(validate(good, 3, 2).ok());
  CHECK(validate(good, 2, 2).message() == "mean has shape (3, 2), expected (2, 2) of float32");
  CHECK(validate({good.mean, good.mean}, 3, 2).message() == "cholesky has shape (3, 2), expected (3, 3) of float32");
  CHECK(validate({Tensor::zeros<int32_t>({3, 2}, "test"), good.cholesky}, 3, 2).message() ==
        "mean has shape (3, 2), expected (3, 2) of float32");
  PositionGaussians bad = {good.mean.clone("test"), good.cholesky};
  bad.mean.data<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(validate(bad, 3, 2).message() == "mean holds a value that is not finite");
  bad = {good.mean, good.cholesky.clone("test")};
  bad.cholesky.data<float>()[4] = std::numeric_limits<float>::infinity();
  CHECK(validate(bad, 3, 2).message() == "cholesky holds a value that is not finite");
  bad.cholesky.data<float>()[4] = -1;  // position 1, below the diagonal: any finite value
  CHECK(validate(bad, 3, 2).ok());
  bad.cholesky.data<float>()[5] = 0;
  CHECK(validate(bad, 3, 2).message() == "cholesky: diagonal element 1 of position 1 is 0, expected > 0");
}

TEST_CASE("samples that are not finite stop finish, by position") {
  Tensor samples = random_tensor({3, 4, 2}, 6);
  samples.data<float>()[(1 * 4 + 2) * 2 + 1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(fitted(samples),
                       "covariance of position 2 is not positive definite (pivot 1 of 2), regularised by 0.01: are all "
                       "features finite and of a sane scale?",
                       Error);
  samples.data<float>()[(1 * 4 + 2) * 2 + 1] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(fitted(samples), Error);
}

TEST_CASE("wrong shapes, sizes, regularisation and order of calls are refused by name") {
  CHECK_THROWS_AS(GaussianAccumulator(0, 3), Error);
  CHECK_THROWS_AS(GaussianAccumulator(3, 0), Error);
  CHECK_THROWS_AS(GaussianAccumulator(INT64_MAX / 8, 100), Error);
  CHECK_THROWS_AS(GaussianAccumulator(1, INT64_MAX), Error);
  GaussianAccumulator accumulator(3, 2, testing::test_device());
  CHECK_THROWS_WITH(accumulator.add(random_tensor({1, 2, 3}, 1)),
                    "GaussianAccumulator: samples have shape (1, 2, 3), expected (N, 3, 2) of float32");
  CHECK_THROWS_AS(accumulator.add(Tensor::zeros<int32_t>({1, 3, 2}, "test")), Error);
  accumulator.add(testing::on_test_device(random_tensor({0, 3, 2}, 1)));
  CHECK_THROWS_WITH(std::move(accumulator).finish(0.01), "GaussianAccumulator: finish without a sample");
  for (const double wrong : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(fitted(random_tensor({2, 3, 2}, 1), wrong), Error);
  }
  const PositionGaussians g = fitted(random_tensor({2, 3, 2}, 1));
  CHECK_THROWS_WITH(mahalanobis(g, random_tensor({4, 2}, 1)),
                    "mahalanobis: mean has shape (3, 2), expected that of x, (4, 2)");
  CHECK_THROWS_WITH(mahalanobis({g.mean, g.mean}, random_tensor({3, 2}, 1)),
                    "mahalanobis: cholesky has shape (3, 2), expected (3, 3)");
  CHECK_THROWS_AS(mahalanobis(g, random_tensor({3, 2, 1}, 1)), Error);
  CHECK_THROWS_AS(mahalanobis(g, Tensor::zeros<int32_t>({3, 2}, "test")), Error);
}

}  // namespace
}  // namespace assay::ops
