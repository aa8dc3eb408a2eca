// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm_mma.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/base/check.h"
#include "kernels/elementwise/convert_bfloat16_ref.h"
#include "kernels/elementwise/convert_float16_ref.h"
#include "kernels/matmul/gemm_cases.h"
#include "kernels/matmul/gemm_far_cases.h"

namespace assay::kernels {
namespace {

const double kAddition = std::ldexp(1.0, -22);  // relative error of one addition on tensor cores

uint16_t float16_of(float x) { return ref::nearest_float16(x); }
uint16_t bfloat16_of(float x) { return ref::nearest_bfloat16(x); }
int8_t int8_of(float x) { return static_cast<int8_t>(std::max(-128.0f, std::min(127.0f, std::round(60 * x)))); }
float same(float x) { return x; }

std::vector<GemmCase> all_cases() {
  std::vector<GemmCase> cases = gemm_edge_cases();
  for (const GemmCase& t : gemm_epilogue_cases()) cases.push_back(t);
  // One of each kind of epilogue on large tiles, with the two plain ones.
  const std::vector<GemmCase> large = gemm_large_tile_cases();
  cases.push_back(large[0]);
  cases.push_back(large[1]);
  cases.push_back({65, 70, 32, false, true, 0, 132, false, 0.5f, -1, true, true, GemmActivation::kRelu6});
  return cases;
}

TEST_CASE("gemm_float16 and gemm_bfloat16 equal the definition for every shape, transpose and epilogue") {
  for (const GemmCase& t : all_cases()) {
    const double tolerance = static_cast<double>(t.k) * kAddition;
    GemmData<uint16_t, float> half(t, float16_of);
    half.run_on_backend(gemm_float16);
    half.check(tolerance, ref::value_of_float16);
    GemmData<uint16_t, float> brain(t, bfloat16_of);
    brain.run_on_backend(gemm_bfloat16);
    brain.check(tolerance, ref::value_of_bfloat16);
  }
}

TEST_CASE("gemm_tf32 equals the definition on inputs rounded to tf32") {
  for (const GemmCase& t : all_cases()) {
    GemmData<float, float> data(t, same);
    data.run_on_backend(gemm_tf32);
    data.check(static_cast<double>(t.k) * kAddition, [](float x) { return ref::nearest_tf32(x); });
  }
}

TEST_CASE("gemm_3xtf32 is within its bound of the exact product of its float32 inputs") {
  for (const GemmCase& t : all_cases()) {
    GemmData<float, float> data(t, same);
    data.run_on_backend(gemm_3xtf32);
    data.check((6 + 3 * static_cast<double>(t.k)) * kAddition);
  }
}

TEST_CASE("gemm_int8 is exact, for every shape and transpose") {
  std::vector<GemmCase> cases = gemm_edge_cases();
  for (const GemmCase& t : gemm_large_tile_cases()) cases.push_back(t);
  for (const GemmCase& t : cases) {
    GemmData<int8_t, int32_t> data(t, int8_of);
    data.run_on_backend(gemm_int8);
    data.check(0);
  }
}

TEST_CASE("tensor-core products reach rows and matrices beyond element 2^31 of each operand") {
  for (const FarGemmCase& t : far_gemm_cases({FarBy::kRows, FarBy::kLeadingDimension, FarBy::kMatrices})) {
    check_far_gemm(gemm_bfloat16, t, bfloat16_of, 20 * kAddition, ref::value_of_bfloat16);
    check_far_gemm(gemm_3xtf32, t, same, (6 + 3 * 20) * kAddition, [](float x) { return static_cast<double>(x); });
    if (t.operand != FarOperand::kResidual) {
      check_far_gemm(
          gemm_int8, t, int8_of, 0, [](int8_t x) { return static_cast<double>(x); }, /*with_epilogue=*/false);
    }
  }
}

// Rows are 16-byte chunks long, their beginnings aren't: operands begin one element late.
template <class Input, class Output, class MakeInput, class Value>
void check_unaligned(const KernelTable<GemmProblem<Input, Output>>& kernel, const MakeInput& make_input,
                     double relative_error, const Value& value) {
  const int64_t m = 20, n = 17, k = 48;
  CAPTURE(kernel.name);
  for (const bool late_a : {false, true}) {
    const int64_t at_a = late_a ? 1 : 0, at_b = 1 - at_a;
    const std::vector<float> x = random_values(m * k + at_a, 1), y = random_values(n * k + at_b, 2);
    std::vector<Input> a(x.size()), b(y.size());
    std::transform(x.begin(), x.end(), a.begin(), make_input);
    std::transform(y.begin(), y.end(), b.begin(), make_input);
    testing::GuardedBuffer<Output> c(m * n);
    testing::Staging staging;
    run(kernel, {staging.in(a) + at_a, staging.in(b) + at_b, staging.out(c), m, n, k, k, k, n, false, true},
        staging.stream());
    staging.finish();
    std::vector<double> exact_a(a.size()), exact_b(b.size());
    std::transform(a.begin(), a.end(), exact_a.begin(), value);
    std::transform(b.begin(), b.end(), exact_b.begin(), value);
    const GemmProblem<double, double> host = {
        exact_a.data() + at_a, exact_b.data() + at_b, nullptr, m, n, k, k, k, n, false, true};
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; ++i) {
      const ref::GemmElement e = ref::gemm_element(host, i / n, i % n);
      if (!(std::abs(c[i] - e.value) <= relative_error * e.magnitude)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("tensor-core products read operands from any address") {
  check_unaligned(gemm_float16, float16_of, 48 * kAddition, ref::value_of_float16);
  check_unaligned(gemm_bfloat16, bfloat16_of, 48 * kAddition, ref::value_of_bfloat16);
  check_unaligned(gemm_tf32, same, 48 * kAddition, [](float x) { return ref::nearest_tf32(x); });
  check_unaligned(gemm_int8, int8_of, 0, [](int8_t x) { return static_cast<double>(x); });
}

// Root of the mean square of the errors, relative to the magnitude of each element's sum.
double rms_error(const KernelTable<GemmArgs>& kernel, const GemmCase& t) {
  GemmData<float, float> data(t, same);
  data.run_on_backend(kernel);
  const std::vector<float> found = data.result();
  const GemmArgs host = {data.a().data(), data.b().data(), nullptr, t.m, t.n, t.k, t.k, t.k, t.n, false, true};
  double sum = 0;
  for (int64_t i = 0; i < t.m * t.n; ++i) {
    const ref::GemmElement e = ref::gemm_element(host, i / t.n, i % t.n);
    const double error = (found[i] - e.value) / e.magnitude;
    sum += error * error;
  }
  return std::sqrt(sum / static_cast<double>(t.m * t.n));
}

TEST_CASE("gemm_3xtf32 is as accurate as float32 where gemm_tf32 is not") {
  for (const int64_t k : {1, 16, 300}) {
    CAPTURE(k);
    const GemmCase t = {40, 56, k, false, true};
    const double plain = rms_error(gemm_tiled, t), split = rms_error(gemm_3xtf32, t), rounded = rms_error(gemm_tf32, t);
    CHECK(split <= 4 * plain + std::ldexp(1.0, -24));
    CHECK(rounded >= 50 * split);
  }
}

TEST_CASE("gemm_int8 wraps around at 2^31") {
  const int64_t k = (1 << 17) + 16;  // times 128 * 128: 2^31 and 16 products more
  const std::vector<int8_t> a(k, -128);
  testing::GuardedBuffer<int32_t> c(1);
  testing::Staging staging;
  run(gemm_int8, {staging.in(a), staging.in(a), staging.out(c), 1, 1, k, k, k, 1, false, true}, staging.stream());
  staging.finish();
  CHECK(c[0] == std::numeric_limits<int32_t>::min() + 16 * 16384);
}

TEST_CASE("gemm_int8 refuses an epilogue") {
  const GemmCase t = {2, 2, 2, false, true, 0, 1, false, 2.0f};
  GemmData<int8_t, int32_t> data(t, int8_of);
  CHECK_THROWS_WITH_AS(data.run_on_backend(gemm_int8), "gemm_int8: an epilogue is given, expected none", Error);
}

TEST_CASE("tensor-core products let a NaN through to its row alone") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> a(3 * 4, 1.0f);
  a[5] = nan;
  const std::vector<float> b(2 * 4, 0.0f);
  for (const auto* kernel : {&gemm_tf32, &gemm_3xtf32}) {
    testing::GuardedBuffer<float> c(6);
    testing::Staging staging;
    run(*kernel, {staging.in(a), staging.in(b), staging.out(c), 3, 2, 4, 4, 4, 2, false, true}, staging.stream());
    staging.finish();
    for (int64_t i = 0; i < 6; ++i) CHECK(std::isnan(c[i]) == (i / 2 == 1));
  }
}

TEST_CASE("gemm_3xtf32 gives the same bits twice") {
  const GemmCase t = {70, 90, 130, false, true};
  GemmData<float, float> first(t, same), second(t, same);
  first.run_on_backend(gemm_3xtf32);
  second.run_on_backend(gemm_3xtf32);
  CHECK(first.result() == second.result());
}

}  // namespace
}  // namespace assay::kernels
