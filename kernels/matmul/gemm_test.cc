// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/matmul/gemm_ref.h"
#include "kernels/random/generator.h"

namespace assay::kernels {
namespace {

struct Case {
  int64_t m, n, k;
  bool transpose_a, transpose_b;
  int64_t pad;  // leading dimensions beyond the columns
};

std::vector<float> random_values(int64_t count, uint64_t seed) {
  Generator g(seed);
  std::vector<float> v(count);
  for (float& x : v) x = static_cast<float>(g.normal());
  return v;
}

void check_case(const Case& t) {
  CAPTURE(t.m);
  CAPTURE(t.n);
  CAPTURE(t.k);
  const int64_t lda = std::max<int64_t>(1, t.transpose_a ? t.m : t.k) + t.pad;
  const int64_t ldb = std::max<int64_t>(1, t.transpose_b ? t.k : t.n) + t.pad;
  const int64_t ldc = std::max<int64_t>(1, t.n) + t.pad;
  const std::vector<float> a = random_values(lda * (t.transpose_a ? t.k : t.m), 1);
  const std::vector<float> b = random_values(ldb * (t.transpose_b ? t.n : t.k), 2);
  std::vector<float> c(ldc * t.m + 1, std::numeric_limits<float>::quiet_NaN());
  const GemmArgs args = {a.data(), b.data(), c.data(), t.m, t.n, t.k, lda, ldb, ldc, t.transpose_a, t.transpose_b};
  run(gemm, args);
  for (int64_t row = 0; row < t.m; ++row) {
    for (int64_t column = 0; column < ldc; ++column) {
      const float found = c[row * ldc + column];
      if (column >= t.n) {
        CHECK(std::isnan(found));  // beyond the row nothing is written
        continue;
      }
      const ref::GemmElement expected = ref::gemm_element(args, row, column);
      const double tolerance = static_cast<double>(t.k) * std::ldexp(1.0, -23) * expected.magnitude;
      const bool close = std::abs(found - expected.value) <= tolerance;
      CHECK(close);
    }
  }
  CHECK(std::isnan(c.back()));
}

TEST_CASE("gemm equals the definition for all transposes, strides and odd shapes") {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const int64_t pad : {0, 3}) {
        check_case({1, 1, 1, ta, tb, pad});
        check_case({17, 5, 33, ta, tb, pad});
        check_case({kGemmRowsPerPiece + 1, 7, 19, ta, tb, pad});
        check_case({3, 2, 0, ta, tb, pad});
        check_case({0, 4, 4, ta, tb, pad});
        check_case({4, 0, 4, ta, tb, pad});
      }
    }
  }
}

TEST_CASE("gemm gives the same bits for any number of threads") {
  const int64_t m = 700, n = 120, k = 152;
  const std::vector<float> a = random_values(m * k, 3), b = random_values(n * k, 4);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    std::vector<float> c(m * n);
    run(gemm, {a.data(), b.data(), c.data(), m, n, k, k, k, n, false, true});
    results.push_back(c);
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("gemm lets a NaN through") {
  std::vector<float> a = {1, std::numeric_limits<float>::quiet_NaN(), 2, 3}, b = {1, 0, 0, 1}, c(4);
  run(gemm, {a.data(), b.data(), c.data(), 2, 2, 2, 2, 2, 2, false, false});
  CHECK(std::isnan(c[0]));
  CHECK(std::isnan(c[1]));
  CHECK(c[2] == 2);
}

}  // namespace
}  // namespace assay::kernels
