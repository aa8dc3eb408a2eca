// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm_cublas_finish.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/matmul/gemm_cases.h"
#include "kernels/matmul/gemm_far_cases.h"

namespace assay::kernels {
namespace {

struct FinishCase {
  int64_t m, n;
  int64_t pad = 0;     // ldc beyond N
  int64_t offset = 0;  // of c within its buffer, in elements
  int64_t batch = 1;
  float beta = 1;
  bool bias = true, residual = true;
  GemmActivation activation = GemmActivation::kNone;
  int64_t gap = 4;                                                                   // elements between matrices
  int64_t residual_pad = 0, residual_offset = 0, residual_gap = 8, bias_offset = 0;  // the same of what is added
};

void check_case(const FinishCase& t) {
  CAPTURE(t.m);
  CAPTURE(t.n);
  CAPTURE(t.pad);
  CAPTURE(t.batch);
  CAPTURE(t.offset);
  CAPTURE(t.gap);
  CAPTURE(t.residual_pad);
  CAPTURE(t.residual_offset);
  CAPTURE(t.residual_gap);
  CAPTURE(t.bias_offset);
  const int64_t ldc = std::max<int64_t>(1, t.n + t.pad), stride_c = t.m * ldc + t.gap;
  const int64_t ld_residual = std::max<int64_t>(1, t.n + t.residual_pad);
  const int64_t stride_residual = t.m * ld_residual + t.residual_gap;
  testing::GuardedBuffer<float> c(stride_c * t.batch + t.offset, 0);
  const std::vector<float> start = random_values(c.size(), 1);
  // With beta 0, NaN in c must not come through.
  for (int64_t i = 0; i < c.size(); ++i) c[i] = t.beta == 0 ? std::numeric_limits<float>::quiet_NaN() : 4 * start[i];
  const std::vector<float> before = c.values(), bias = random_values(t.n + t.bias_offset, 2),
                           residual = random_values(stride_residual * t.batch + t.residual_offset, 3);
  testing::Staging staging;
  GemmFinishArgs args = {staging.out(c) + t.offset, t.m, t.n, ldc, t.batch, stride_c, {}};
  args.epilogue.beta = t.beta;
  args.epilogue.bias = t.bias ? staging.in(bias) + t.bias_offset : nullptr;
  args.epilogue.residual = t.residual ? staging.in(residual) + t.residual_offset : nullptr;
  args.epilogue.ld_residual = ld_residual;
  args.epilogue.stride_residual = stride_residual;
  args.epilogue.activation = t.activation;
  run(gemm_finish, args, staging.stream());
  staging.finish();
  GemmEpilogue host = args.epilogue;
  host.bias = t.bias ? bias.data() + t.bias_offset : nullptr;
  host.residual = t.residual ? residual.data() + t.residual_offset : nullptr;
  int64_t wrong = 0, touched = 0;
  for (int64_t i = 0; i < c.size(); ++i) {
    const int64_t place = i - t.offset, matrix = place / stride_c, row = place % stride_c / ldc,
                  column = place % stride_c % ldc;
    if (place < 0 || row >= t.m || column >= t.n) {
      touched += std::memcmp(&before[i], &c[i], sizeof(float)) != 0;
      continue;
    }
    const ref::FinishedElement expected = ref::finished_element(host, {0, 0}, 0, before[i], row, column, matrix);
    if (!(std::abs(c[i] - expected.value) <= expected.tolerance)) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(touched == 0);
  CHECK(c.guards_intact());
}

TEST_CASE("gemm_finish equals its definition at the edges of vectors and blocks, aligned and not") {
  for (const int64_t m : {0, 1, 3, 65}) {
    for (const int64_t n : {0, 1, 3, 4, 5, 31, 128, 255, 256, 260, 1028}) {
      check_case({m, n});
      check_case({m, n, 3});
      check_case({m, n, 4, 1});
    }
  }
}

TEST_CASE("gemm_finish equals its definition where one thing alone is aligned to less than a vector") {
  const FinishCase aligned = {3, 8, 0, 0, 2};
  check_case(aligned);
  const auto check_with = [&](const auto& change) {
    FinishCase t = aligned;
    change(t);
    check_case(t);
  };
  check_with([](FinishCase& t) { t.offset = 1; });
  check_with([](FinishCase& t) { t.pad = t.gap = 1; });  // 3 rows of 9, and 1: the stride is aligned
  check_with([](FinishCase& t) { t.gap = 1; });
  check_with([](FinishCase& t) { t.n = 7, t.pad = t.residual_pad = 1; });
  check_with([](FinishCase& t) { t.bias_offset = 1; });
  check_with([](FinishCase& t) { t.residual_offset = 1; });
  check_with([](FinishCase& t) { t.residual_pad = t.residual_gap = 1; });
  check_with([](FinishCase& t) { t.residual_gap = 1; });
}

TEST_CASE("gemm_finish reaches rows and matrices beyond element 2^31") {
  for (const FarBy by : {FarBy::kRows, FarBy::kLeadingDimension, FarBy::kMatrices}) {
    for (const bool residual_is_far : {false, true}) {
      CAPTURE(static_cast<int>(by));
      CAPTURE(residual_is_far);
      const int64_t batch = by == FarBy::kMatrices ? 2 : 1, m = by == FarBy::kLeadingDimension ? 2 : 9, n = 12;
      SpreadMatrices<float> c(batch, m, n, !residual_is_far, by), residual(batch, m, n, residual_is_far, by);
      const std::vector<float> start = random_values(batch * m * n, 1), added = random_values(batch * m * n, 2);
      c.put(start);
      residual.put(added);
      GemmFinishArgs args = {c.data(), m, n, c.ld(), batch, c.stride(), {}};
      args.epilogue.beta = 1;
      args.epilogue.residual = residual.data();
      args.epilogue.ld_residual = residual.ld();
      args.epilogue.stride_residual = residual.stride();
      run(gemm_finish, args, testing::Staging().stream());
      std::vector<float> expected(start.size());
      for (size_t i = 0; i < start.size(); ++i) expected[i] = start[i] + added[i];
      CHECK(c.get() == expected);
    }
  }
}

TEST_CASE("gemm_finish activates, accumulates, and reads nothing of c without beta") {
  for (const GemmActivation activation :
       {GemmActivation::kNone, GemmActivation::kRelu, GemmActivation::kRelu6, GemmActivation::kGelu}) {
    for (const float beta : {0.0f, 1.0f, -1.5f}) {
      check_case({7, 24, 0, 0, 3, beta, true, false, activation});
      check_case({7, 25, 2, 0, 2, beta, false, true, activation});
      check_case({7, 28, 0, 0, 0, beta, true, true, activation});
    }
  }
}

TEST_CASE("gemm_finish may add c to itself, and keeps a NaN") {
  testing::GuardedBuffer<float> c(9);
  for (int64_t i = 0; i < 9; ++i) c[i] = static_cast<float>(i) - 2;
  c[4] = std::numeric_limits<float>::quiet_NaN();
  testing::Staging staging;
  float* data = staging.out(c);
  GemmFinishArgs args = {data, 1, 9, 9, 1, 9, {}};
  args.epilogue.beta = 1;
  args.epilogue.residual = data;
  args.epilogue.ld_residual = 9;
  args.epilogue.activation = GemmActivation::kRelu6;
  run(gemm_finish, args, staging.stream());
  staging.finish();
  CHECK(std::isnan(c[4]));
  c[4] = 0;
  CHECK(c.values() == std::vector<float>{0, 0, 0, 2, 0, 6, 6, 6, 6});
}

}  // namespace
}  // namespace assay::kernels
