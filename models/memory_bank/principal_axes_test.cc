// SPDX-License-Identifier: Apache-2.0
#include "models/memory_bank/principal_axes.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernels/base/check.h"
#include "kernels/random/generator.h"

namespace assay::models {
namespace {

TEST_CASE("the axes are orthonormal, sorted, and rebuild the matrix") {
  for (const int64_t dim : {1, 2, 7, 64}) {
    kernels::Generator g(dim);
    std::vector<double> factor(dim * dim), covariance(dim * dim, 0.0);
    for (double& f : factor) f = g.normal();
    for (int64_t i = 0; i < dim; ++i) {
      for (int64_t j = 0; j < dim; ++j) {
        for (int64_t k = 0; k < dim; ++k) covariance[i * dim + j] += factor[i * dim + k] * factor[j * dim + k];
      }
    }
    const PrincipalAxes p = principal_axes(covariance, dim);
    for (int64_t r = 1; r < dim; ++r) CHECK(p.variance[r] <= p.variance[r - 1]);
    for (int64_t i = 0; i < dim; ++i) {
      for (int64_t j = 0; j < dim; ++j) {
        double rebuilt = 0, dot = 0;
        for (int64_t r = 0; r < dim; ++r) rebuilt += p.variance[r] * p.axes[r * dim + i] * p.axes[r * dim + j];
        for (int64_t d = 0; d < dim; ++d) dot += p.axes[i * dim + d] * p.axes[j * dim + d];
        CHECK(rebuilt == doctest::Approx(covariance[i * dim + j]).epsilon(1e-9));
        CHECK(std::abs(dot - (i == j ? 1 : 0)) < 1e-12);
      }
    }
  }
}

TEST_CASE("a matrix of the wrong size or with a NaN is refused") {
  CHECK_THROWS_AS(principal_axes({1, 0, 0}, 2), Error);
  CHECK_THROWS_AS(principal_axes({std::nan("")}, 1), Error);
}

}  // namespace
}  // namespace assay::models
