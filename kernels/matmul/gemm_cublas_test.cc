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
  for (const int64_t bytes : {int64_t{0}, int64_t{64}, 4 * m * n, int64_t{1} << 20, kGemmWorkspaceBytes}) {
    CAPTURE(bytes);
    std::vector<std::vector<float>> results;
    for (int run_number = 0; run_number < 2; ++run_number) {
      testing::GuardedBuffer<float> c(m * n), workspace(bytes / 4 + 64);
      testing::Staging staging;
      GemmArgs args = {staging.in(a), staging.in(b), staging.out(c), m, n, k, k, n, n, false, false};
      float* place = staging.out(workspace);
      place += (256 - reinterpret_cast<uintptr_t>(place) % 256) % 256 / sizeof(float);
      args.workspace = bytes == 0 ? nullptr : place;
      args.workspace_bytes = bytes;
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

TEST_CASE("gemm_cublas adds a residual that is laid out otherwise than c, and one beside an accumulation") {
  const int64_t m = 9, n = 12, k = 5, ld_residual = 15;
  const std::vector<float> a = random_values(m * k, 1), b = random_values(k * n, 2),
                           residual = random_values(m * ld_residual, 3);
  for (const float beta : {0.0f, 1.0f}) {
    testing::GuardedBuffer<float> c(m * n);
    for (int64_t i = 0; i < m * n; ++i) c[i] = static_cast<float>(i % 7);
    testing::Staging staging;
    GemmArgs args = {staging.in(a), staging.in(b), staging.out(c), m, n, k, k, n, n, false, false};
    args.epilogue.beta = beta;
    args.epilogue.residual = staging.in(residual);
    args.epilogue.ld_residual = ld_residual;
    run(gemm_cublas, args, staging.stream());
    staging.finish();
    const GemmArgs host = {a.data(), b.data(), nullptr, m, n, k, k, n, n, false, false};
    int64_t wrong = 0;
    for (int64_t i = 0; i < m * n; ++i) {
      const ref::GemmElement e = ref::gemm_element(host, i / n, i % n);
      const double kept = beta * static_cast<double>(i % 7), added = residual[i / n * ld_residual + i % n];
      const double tolerance = bound(k, 0) * e.magnitude + 8 * kExact * (e.magnitude + kept + std::abs(added));
      if (!(std::abs(c[i] - (e.value + kept + added)) <= tolerance)) ++wrong;
    }
    CHECK(wrong == 0);
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
