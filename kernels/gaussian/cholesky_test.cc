// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/cholesky.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/gaussian/cholesky_ref.h"
#include "kernels/gaussian/packed_triangle.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

constexpr double kSmallestEigenvalue = 0.01;

// B B^T + 0.01 I with B (D, 2 D) of entries within 1 / sqrt(D): eigenvalues from 0.01 to at most 2 D.
std::vector<double> random_matrix(int64_t order, std::mt19937& engine) {
  std::vector<double> b(order * order * 2);
  for (double& v : b) v = (engine() * 0x1p-31 - 1) / std::sqrt(order);
  std::vector<double> a(order * order, 0);
  for (int64_t i = 0; i < order; ++i) {
    for (int64_t j = 0; j < order; ++j) {
      for (int64_t k = 0; k < 2 * order; ++k) a[i * order + j] += b[i * 2 * order + k] * b[j * 2 * order + k];
    }
    a[i * order + i] += kSmallestEigenvalue;
  }
  return a;
}

void pack(const std::vector<double>& dense, int64_t order, double* packed) {
  for (int64_t j = 0; j < order; ++j) {
    for (int64_t i = j; i < order; ++i) *packed++ = dense[i * order + j];
  }
}

struct Factors {
  GuardedBuffer<double> matrix;
  GuardedBuffer<float> factor;
  GuardedBuffer<int64_t> bad_pivot;
  Factors(const std::vector<std::vector<double>>& dense, int64_t order)
      : matrix(dense.size() * packed_size(order)), factor(dense.size() * packed_size(order)), bad_pivot(dense.size()) {
    for (size_t p = 0; p < dense.size(); ++p) pack(dense[p], order, matrix.data() + p * packed_size(order));
    Staging s;
    run(cholesky, {s.out(matrix), s.out(factor), s.out(bad_pivot), static_cast<int64_t>(dense.size()), order},
        s.stream());
    s.finish();
  }
};

// The relative error of a factor is within a small multiple of D eps times the condition number of its matrix.
void check_against_reference(const CholeskyCase& s, uint32_t seed) {
  CAPTURE(s.positions);
  CAPTURE(s.order);
  CAPTURE(seed);
  std::mt19937 engine(seed);
  std::vector<std::vector<double>> dense;
  for (int64_t p = 0; p < s.positions; ++p) dense.push_back(random_matrix(s.order, engine));
  Factors got(dense, s.order);
  CHECK(got.matrix.guards_intact());
  CHECK(got.factor.guards_intact());
  CHECK(got.bad_pivot.guards_intact());
  const double condition = 2.0 * s.order / kSmallestEigenvalue;
  int64_t wrong = 0;
  for (int64_t p = 0; p < s.positions; ++p) {
    CHECK(got.bad_pivot[p] == -1);
    const std::vector<double> want = cholesky_ref(dense[p], s.order);
    for (int64_t j = 0; j < s.order; ++j) {
      for (int64_t i = j; i < s.order; ++i) {
        const int64_t at = p * packed_size(s.order) + packed_column(s.order, j) + i - j;
        const double tolerance = 4 * s.order * 0x1p-53 * condition * std::sqrt(dense[p][i * s.order + i]);
        if (!(std::fabs(got.matrix[at] - want[i * s.order + j]) <= tolerance)) ++wrong;
        if (got.factor[at] != static_cast<float>(got.matrix[at])) ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("cholesky agrees with the double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const CholeskyCase& s : kCholeskyCases) check_against_reference(s, 1);
  });
}

TEST_CASE("cholesky agrees with the double reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    check_against_reference({static_cast<int64_t>(engine() % 8), static_cast<int64_t>(engine() % 32) + 1}, seed);
  }
}

TEST_CASE("cholesky names the first pivot that is not positive, and leaves other matrices alone") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> good = {4, 2, 2, 5};  // L = (2 0, 1 2)
  const std::vector<std::vector<double>> dense = {good,
                                                  {-1, 0, 0, 1},
                                                  {1, 1, 1, 1},
                                                  {1, 2, 2, 1},
                                                  {nan, 0, 0, 1},
                                                  {1, nan, nan, 1},
                                                  {infinity, 0, 0, 1},
                                                  {1e-80, 0, 0, 1},
                                                  {1, 0, 0, 1e80},
                                                  good};
  Factors got(dense, 2);
  CHECK(got.bad_pivot.values() == std::vector<int64_t>{-1, 0, 1, 1, 0, 1, 0, 0, 1, -1});
  for (const int64_t p : {0, 9}) {
    CHECK(got.factor[3 * p] == 2);
    CHECK(got.factor[3 * p + 1] == 1);
    CHECK(got.factor[3 * p + 2] == 2);
  }
}

TEST_CASE("cholesky gives the same bits for any number of threads") {
  if (testing::on_cuda()) return;  // threads are the CPU's
  std::mt19937 engine(3);
  std::vector<std::vector<double>> dense;
  for (int p = 0; p < 19; ++p) dense.push_back(random_matrix(13, engine));
  set_num_threads(1);
  const std::vector<float> one = Factors(dense, 13).factor.values();
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    CHECK(Factors(dense, 13).factor.values() == one);
  }
}

}  // namespace
}  // namespace assay::kernels
