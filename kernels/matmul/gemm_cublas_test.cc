// SPDX-License-Identifier: Apache-2.0
// gemm by cuBLASLt: what gemm_test.cc's cases, which run on it too, do not see.
#include "kernels/matmul/gemm_cublas.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "kernels/matmul/gemm_cases.h"

namespace assay::kernels {
namespace {

constexpr double kExact = 0x1p-24;

std::vector<GemmCase> some_cases() {
  std::vector<GemmCase> cases;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      cases.push_back({33, 20, 48, ta, tb, 0});
      cases.push_back({33, 20, 48, ta, tb, 1, 2});
    }
  }
  return cases;
}

// The relative error of a product whose inputs were rounded by `u` of themselves.
double bound(int64_t k, double u) { return static_cast<double>(k) * 0x1p-23 + 2 * u + u * u; }

TEST_CASE("gemm_cublas equals the definition") {
  for (const GemmCase& t : gemm_edge_cases()) {
    GemmData<float, float> data(t, [](float x) { return x; });
    data.run_on_backend(gemm_cublas);
    data.check(bound(t.k, 0));
  }
  for (const GemmCase& t : gemm_epilogue_cases()) {
    GemmData<float, float> data(t, [](float x) { return x; });
    data.run_on_backend(gemm_cublas);
    data.check(bound(t.k, 0));
  }
}

TEST_CASE("gemm_cublas in TF32 and bfloat16 stays within the bound of its inputs' rounding") {
  struct Mode {
    const KernelTable<GemmArgs>* kernel;
    double u;
  };
  for (const Mode& mode : {Mode{&gemm_cublas_tf32, 0x1p-11}, Mode{&gemm_cublas_bfloat16, 0x1p-9}}) {
    CAPTURE(mode.kernel->name);
    for (const GemmCase& t : some_cases()) {
      GemmData<float, float> data(t, [](float x) { return x; });
      data.run_on_backend(*mode.kernel);
      data.check(bound(t.k, mode.u));
    }
  }
}

TEST_CASE("gemm_cublas works with any workspace, and a given one gives the same bits in every run") {
  const int64_t m = 40, n = 24, k = 100;
  const std::vector<float> a = random_values(m * k, 1), b = random_values(k * n, 2);
  // The largest first: what is chosen with it must not be taken where there is less.
  for (const int64_t bytes : {kGemmWorkspaceBytes, int64_t{1} << 20, 4 * m * n, int64_t{64}, int64_t{0}}) {
    CAPTURE(bytes);
    std::vector<std::vector<float>> results;
    for (int run_number = 0; run_number < 2; ++run_number) {
      testing::GuardedBuffer<float> c(m * n, 0), workspace(bytes / 4 + 64);
      testing::Staging staging;
      GemmArgs args = {staging.in(a), staging.in(b), staging.out(c), m, n, k, k, n, n, false, false};
      float* place = staging.out(workspace);
      place += (256 - reinterpret_cast<uintptr_t>(place) % 256) % 256 / sizeof(float);
      args.workspace = bytes == 0 ? nullptr : place;
      args.workspace_bytes = bytes == 0 ? 1 << 20 : bytes;  // of no memory: they count for nothing
      run(gemm_cublas, args, staging.stream());
      staging.finish();
      CHECK(workspace.guards_intact());
      results.push_back(c.values());
    }
    CHECK(results[0] == results[1]);
    const GemmArgs host = {a.data(), b.data(), nullptr, m, n, k, k, n, n, false, false};
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; ++i) {
      const ref::GemmElement e = ref::gemm_element(host, i / n, i % n);
      if (!(std::abs(results[0][i] - e.value) <= bound(k, 0) * e.magnitude)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

// A product with a residual, everything contiguous but for what a test says, compared with the definition.
struct ResidualCase {
  int64_t ld = 0, gap = 0;  // of the residual: beyond N, and between its matrices
  float beta = 0;
  int64_t a = 0, b = 0, c = 0, residual = 0, bias = 0;  // floats by which an operand is off an alignment
};

void check_residual(int64_t m, int64_t n, int64_t k, const ResidualCase& t) {
  const int64_t batch = 2, ld = n + t.ld, stride = m * ld + t.gap;
  const std::vector<float> a = random_values(batch * m * k + t.a, 1), b = random_values(batch * k * n + t.b, 2),
                           residual = random_values(batch * stride + t.residual, 3),
                           bias = random_values(n + t.bias, 4);
  testing::GuardedBuffer<float> c(batch * m * n, t.c);
  for (int64_t i = 0; i < c.size(); ++i) c[i] = static_cast<float>(i % 7);
  testing::Staging staging;
  GemmArgs args = {staging.in(a) + t.a,
                   staging.in(b) + t.b,
                   staging.out(c),
                   m,
                   n,
                   k,
                   k,
                   n,
                   n,
                   false,
                   false,
                   batch,
                   m * k,
                   k * n,
                   m * n};
  args.epilogue.beta = t.beta;
  args.epilogue.bias = staging.in(bias) + t.bias;
  args.epilogue.residual = staging.in(residual) + t.residual;
  args.epilogue.ld_residual = ld;
  args.epilogue.stride_residual = stride;
  run(gemm_cublas, args, staging.stream());
  staging.finish();
  GemmArgs host = args;
  host.a = a.data() + t.a;
  host.b = b.data() + t.b;
  host.epilogue.bias = bias.data() + t.bias;
  host.epilogue.residual = residual.data() + t.residual;
  int64_t wrong = 0;
  for (int64_t i = 0; i < batch * m * n; ++i) {
    const int64_t matrix = i / (m * n), row = i / n % m, column = i % n;
    const ref::FinishedElement e = ref::finished_element(host.epilogue, ref::gemm_element(host, row, column, matrix),
                                                         bound(k, 0), static_cast<float>(i % 7), row, column, matrix);
    if (!(std::abs(c[i] - e.value) <= e.tolerance)) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(c.guards_intact());
}

TEST_CASE("gemm_cublas adds a residual that is laid out as c or otherwise, and one beside an accumulation") {
  for (const float beta : {0.0f, 1.0f}) {
    CAPTURE(beta);
    check_residual(9, 12, 5, {0, 0, beta});
    check_residual(9, 12, 5, {3, 0, beta});
    check_residual(9, 12, 5, {0, 4, beta});
  }
}

TEST_CASE("gemm_cublas asks again for an algorithm where an operand is aligned to less") {
  const int64_t m = 24, n = 44, k = 36;  // of no other case, so that the first algorithm is one for aligned operands
  check_residual(m, n, k, {});
  for (const ResidualCase& t : {ResidualCase{0, 0, 0, 1, 0, 0, 0, 0}, ResidualCase{0, 0, 0, 0, 1, 0, 0, 0},
                                ResidualCase{0, 0, 0, 0, 0, 1, 0, 0}, ResidualCase{0, 0, 0, 0, 0, 0, 1, 0},
                                ResidualCase{0, 0, 0, 0, 0, 0, 0, 1}}) {
    check_residual(m, n, k, t);
  }
}

TEST_CASE("gemm_cublas may be called by many threads") {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      const int64_t n = 8 + thread % 2;  // two threads a shape
      const std::vector<float> a = random_values(n * n, 1), b = random_values(n * n, 2);
      const GemmArgs host = {a.data(), b.data(), nullptr, n, n, n, n, n, n, false, false};
      for (int repeat = 0; repeat < 10; ++repeat) {
        testing::GuardedBuffer<float> c(n * n);
        testing::Staging staging;
        run(gemm_cublas, {staging.in(a), staging.in(b), staging.out(c), n, n, n, n, n, n, false, false},
            staging.stream());
        staging.finish();
        for (int64_t i = 0; i < n * n; ++i) {
          const ref::GemmElement e = ref::gemm_element(host, i / n, i % n);
          if (!(std::abs(c[i] - e.value) <= bound(n, 0) * e.magnitude)) ++wrong;
        }
      }
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("gemm_cublas says which size is too large") {
  GemmArgs args = {nullptr, nullptr, nullptr, int64_t{1} << 32, 1, 1, 1, 1, 1, false, false};
  std::string message;
  try {
    run(gemm_cublas, args, {Backend::kCuda, nullptr});
  } catch (const Error& e) {
    message = e.what();
  }
  CHECK(message == "gemm: a size of 4294967296, cuBLASLt takes at most 2147483647");
}

}  // namespace
}  // namespace assay::kernels
