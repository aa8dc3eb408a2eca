// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/matmul/gemm_cases.h"
#include "kernels/matmul/gemm_far_cases.h"

namespace assay::kernels {
namespace {

const KernelTable<GemmArgs>* const kTables[] = {&gemm, &gemm_tiled};

std::vector<float> product(const KernelTable<GemmArgs>& kernel, const GemmCase& t) {
  GemmData<float, float> data(t, [](float x) { return x; });
  data.run_on_backend(kernel);
  data.check(static_cast<double>(t.k) * std::ldexp(1.0, -23));
  return data.result();
}

TEST_CASE("gemm equals the definition for all transposes, strides and odd shapes") {
  for (const auto* kernel : kTables) {
    CAPTURE(kernel->name);
    for (const GemmCase& t : gemm_edge_cases()) product(*kernel, t);
  }
}

TEST_CASE("gemm equals the definition where CUDA takes large tiles, for all transposes") {
  for (const auto* kernel : kTables) {
    CAPTURE(kernel->name);
    for (const GemmCase& t : gemm_large_tile_cases()) product(*kernel, t);
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        product(*kernel, {65, 68, 18, ta, tb, 0, 132});
        product(*kernel, {130, 65, 9, ta, tb, 1, 66, true});
      }
    }
  }
}

TEST_CASE("gemm's epilogue scales, accumulates, adds bias and residual, and activates") {
  for (const auto* kernel : kTables) {
    CAPTURE(kernel->name);
    for (const GemmCase& t : gemm_epilogue_cases()) product(*kernel, t);
  }
}

TEST_CASE("gemm gives the same bits for any number of threads, and in every run") {
  const GemmCase t = {700, 120, 152, false, true};
  for (const auto* kernel : kTables) {
    std::vector<std::vector<float>> results;
    const int before = num_threads();
    for (const int threads : {1, 2, 5}) {
      set_num_threads(threads);
      GemmData<float, float> data(t, [](float x) { return x; });
      data.run_on_backend(*kernel);
      results.push_back(data.result());
    }
    set_num_threads(before);
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
}

TEST_CASE("gemm lets a NaN through, through each activation too, and reads nothing of c without beta") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> a = {1, nan, 2, 3}, b = {1, 0, 0, 1};
  for (const auto* kernel : kTables) {
    CAPTURE(kernel->name);
    for (const GemmActivation activation : {GemmActivation::kNone, GemmActivation::kRelu, GemmActivation::kRelu6}) {
      testing::GuardedBuffer<float> c(4);
      testing::Staging staging;
      GemmArgs args = {staging.in(a), staging.in(b), staging.out(c), 2, 2, 2, 2, 2, 2, false, false};
      args.epilogue.activation = activation;
      run(*kernel, args, staging.stream());
      staging.finish();
      CHECK(std::isnan(c[0]));
      CHECK(std::isnan(c[1]));
      CHECK(c[2] == 2);
      CHECK(c[3] == 3);
    }
  }
}

TEST_CASE("gemm reaches rows and matrices beyond element 2^31 of each operand") {
  const auto same = [](float x) { return x; };
  for (const FarGemmCase& t : far_gemm_cases({FarBy::kRows, FarBy::kMatrices})) {
    check_far_gemm(gemm, t, same, 20 * std::ldexp(1.0, -23), same);
  }
  // Leading dimensions beyond 2^31, which cuBLASLt has not, too.
  for (const FarGemmCase& t : far_gemm_cases({FarBy::kRows, FarBy::kLeadingDimension, FarBy::kMatrices})) {
    check_far_gemm(gemm_tiled, t, same, 20 * std::ldexp(1.0, -23), same);
  }
}

TEST_CASE("gemm reads operands from addresses that are aligned to one float") {
  const int64_t m = 21, n = 24, k = 20;
  const std::vector<float> a = random_values(m * k + 1, 6), b = random_values(n * k + 3, 7);
  for (const auto* kernel : kTables) {
    CAPTURE(kernel->name);
    testing::GuardedBuffer<float> c(m * n);
    testing::Staging staging;
    run(*kernel, {staging.in(a) + 1, staging.in(b) + 3, staging.out(c), m, n, k, k, k, n, false, true},
        staging.stream());
    staging.finish();
    const GemmArgs host = {a.data() + 1, b.data() + 3, nullptr, m, n, k, k, k, n, false, true};
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; ++i) {
      const ref::GemmElement e = ref::gemm_element(host, i / n, i % n);
      if (!(std::abs(c[i] - e.value) <= k * std::ldexp(e.magnitude, -23))) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace assay::kernels
