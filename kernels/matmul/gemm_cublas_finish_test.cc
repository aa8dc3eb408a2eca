// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul/gemm_cublas_finish.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/matmul/gemm_cases.h"

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
};

void check_case(const FinishCase& t) {
  CAPTURE(t.m);
  CAPTURE(t.n);
  CAPTURE(t.pad);
  CAPTURE(t.batch);
  const int64_t ldc = std::max<int64_t>(1, t.n + t.pad), stride_c = t.m * ldc + 4;
  testing::GuardedBuffer<float> c(stride_c * t.batch + t.offset);
  const std::vector<float> start = random_values(c.size(), 1);
  // With beta 0, NaN in c must not come through.
  for (int64_t i = 0; i < c.size(); ++i) c[i] = t.beta == 0 ? std::numeric_limits<float>::quiet_NaN() : 4 * start[i];
  const std::vector<float> before = c.values(), bias = random_values(t.n, 2),
                           residual = random_values(stride_c * t.batch, 3);
  testing::Staging staging;
  GemmFinishArgs args = {staging.out(c) + t.offset, t.m, t.n, ldc, t.batch, stride_c, {}};
  args.epilogue.beta = t.beta;
  args.epilogue.bias = t.bias ? staging.in(bias) : nullptr;
  args.epilogue.residual = t.residual ? staging.in(residual) : nullptr;
  args.epilogue.ld_residual = ldc;
  args.epilogue.stride_residual = stride_c;
  args.epilogue.activation = t.activation;
  run(gemm_finish, args, staging.stream());
  staging.finish();
  GemmEpilogue host = args.epilogue;
  host.bias = t.bias ? bias.data() : nullptr;
  host.residual = t.residual ? residual.data() : nullptr;
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
