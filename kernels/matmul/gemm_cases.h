// SPDX-License-Identifier: Apache-2.0
// Problems for the tests of matrix products, and their comparison with the reference: all versions share them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/matmul/gemm_ref.h"
#include "kernels/random/generator.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {

struct GemmCase {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  int64_t pad = 0;  // leading dimensions beyond the columns
  int64_t batch = 1;
  bool shared_b = false;  // one b for all matrices of the batch
  float alpha = 1, beta = 0;
  bool bias = false, residual = false;
  GemmActivation activation = GemmActivation::kNone;
  int64_t gap = 0;  // elements between the matrices of a batch, of each operand
};

inline std::vector<float> random_values(int64_t count, uint64_t seed) {
  Generator g(seed);
  std::vector<float> v(count);
  for (float& x : v) x = static_cast<float>(g.normal());
  return v;
}

// A problem with host memory of its own. Input: make_input turns normal numbers into elements.
template <class Input, class Output>
class GemmData {
 public:
  template <class MakeInput>
  GemmData(const GemmCase& t, const MakeInput& make_input)
      : lda_(std::max<int64_t>(1, t.transpose_a ? t.m : t.k) + t.pad),
        ldb_(std::max<int64_t>(1, t.transpose_b ? t.k : t.n) + t.pad),
        ldc_(std::max<int64_t>(1, t.n) + t.pad),
        stride_a_(lda_ * (t.transpose_a ? t.k : t.m) + t.gap),
        stride_b_(ldb_ * (t.transpose_b ? t.n : t.k) + t.gap),
        stride_c_(ldc_ * t.m + t.gap),
        stride_residual_((t.n + t.pad) * t.m + t.gap),
        t_(t),
        a_(inputs(stride_a_ * t.batch, 1, make_input)),
        b_(inputs(stride_b_ * (t.shared_b ? 1 : t.batch), 2, make_input)),
        c_(stride_c_ * t.batch, 0),
        bias_(random_values(t.bias ? t.n : 0, 3)),
        residual_(random_values(t.residual ? stride_residual_ * t.batch : 0, 4)) {
    if (t.beta != 0) {
      const std::vector<float> start = random_values(c_.size(), 5);
      for (int64_t i = 0; i < c_.size(); ++i) {
        if (is_element(i)) c_[i] = static_cast<Output>(start[i]);
      }
    }
    before_ = c_.values();
  }

  // Runs the kernel on this problem.
  void run_on_backend(const KernelTable<GemmProblem<Input, Output>>& kernel) {
    testing::Staging staging;
    run(kernel,
        problem<Input, Output>(staging.in(a_), staging.in(b_), staging.out(c_), t_.bias ? staging.in(bias_) : nullptr,
                               t_.residual ? staging.in(residual_) : nullptr),
        staging.stream());
    staging.finish();
  }

  // Every element against the reference: within relative_error of the product's magnitude before the epilogue.
  // value: what number an element of a or b stands for.
  template <class Value>
  void check(double relative_error, const Value& value) {
    std::vector<double> a(a_.size()), b(b_.size());
    std::transform(a_.begin(), a_.end(), a.begin(), value);
    std::transform(b_.begin(), b_.end(), b.begin(), value);
    const GemmProblem<double, double> args = problem<double, double>(
        a.data(), b.data(), nullptr, t_.bias ? bias_.data() : nullptr, t_.residual ? residual_.data() : nullptr);
    int64_t wrong = 0, touched = 0;
    for (int64_t i = 0; i < c_.size(); ++i) {
      const int64_t matrix = i / stride_c_, row = i % stride_c_ / ldc_, column = i % stride_c_ % ldc_;
      if (!is_element(i)) {
        const Output blank = before_[i];
        touched += std::memcmp(&blank, &c_[i], sizeof(Output)) != 0;  // between rows and matrices nothing is written
        continue;
      }
      const ref::FinishedElement expected =
          ref::finished_element(args.epilogue, ref::gemm_element(args, row, column, matrix), relative_error,
                                static_cast<float>(before_[i]), row, column, matrix);
      if (!(std::abs(c_[i] - expected.value) <= expected.tolerance)) ++wrong;
    }
    CAPTURE(t_.m);
    CAPTURE(t_.n);
    CAPTURE(t_.k);
    CAPTURE(t_.transpose_a);
    CAPTURE(t_.transpose_b);
    CAPTURE(t_.pad);
    CAPTURE(t_.batch);
    CAPTURE(t_.gap);
    CHECK(wrong == 0);
    CHECK(touched == 0);
    CHECK(c_.guards_intact());
  }

  void check(double relative_error) {
    check(relative_error, [](Input x) { return static_cast<double>(x); });
  }

  std::vector<Output> result() const { return c_.values(); }
  const std::vector<Input>& a() const { return a_; }
  const std::vector<Input>& b() const { return b_; }

 private:
  template <class MakeInput>
  static std::vector<Input> inputs(int64_t count, uint64_t seed, const MakeInput& make_input) {
    const std::vector<float> normal = random_values(count, seed);
    std::vector<Input> v(count);
    std::transform(normal.begin(), normal.end(), v.begin(), make_input);
    return v;
  }

  template <class From, class To>
  GemmProblem<From, To> problem(const From* a, const From* b, To* c, const float* bias, const float* residual) const {
    GemmProblem<From, To> p = {a, b, c, t_.m, t_.n, t_.k, lda_, ldb_, ldc_, t_.transpose_a, t_.transpose_b};
    p.batch = t_.batch;
    p.stride_a = stride_a_;
    p.stride_b = t_.shared_b ? 0 : stride_b_;
    p.stride_c = stride_c_;
    p.epilogue.alpha = t_.alpha;
    p.epilogue.beta = t_.beta;
    p.epilogue.bias = bias;
    p.epilogue.residual = residual;
    p.epilogue.ld_residual = t_.n + t_.pad;
    p.epilogue.stride_residual = stride_residual_;
    p.epilogue.activation = t_.activation;
    return p;
  }

  // Whether an element of c's memory is one of a matrix.
  bool is_element(int64_t i) const { return i % stride_c_ / ldc_ < t_.m && i % stride_c_ % ldc_ < t_.n; }

  int64_t lda_, ldb_, ldc_;
  int64_t stride_a_, stride_b_, stride_c_, stride_residual_;
  GemmCase t_;
  std::vector<Input> a_, b_;
  testing::GuardedBuffer<Output> c_;
  std::vector<float> bias_, residual_;
  std::vector<Output> before_;
};

// Shapes at and beside the edges of tiles (64, 128), of slices of K and of vector loads, with every transpose, aligned
// and not.
inline std::vector<GemmCase> gemm_edge_cases() {
  std::vector<GemmCase> cases;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const int64_t pad : {0, 3, 4}) {
        for (const GemmCase& shape : std::vector<GemmCase>{{1, 1, 1},
                                                           {17, 5, 33},
                                                           {257, 7, 19},
                                                           {3, 2, 0},
                                                           {0, 4, 4},
                                                           {4, 0, 4},
                                                           {64, 64, 16},
                                                           {63, 65, 15},
                                                           {65, 64, 68},
                                                           {68, 132, 31}}) {
          GemmCase t = shape;
          t.transpose_a = ta;
          t.transpose_b = tb;
          t.pad = pad;
          cases.push_back(t);
        }
      }
      // The first matrix aligned, the second not.
      GemmCase odd = {24, 40, 32, ta, tb, 0, 2};
      odd.gap = 1;
      cases.push_back(odd);
    }
  }
  // Aligned for every type with K along memory, with and without a ragged end.
  cases.push_back({200, 30, 75, false, true, 5});
  cases.push_back({64, 64, 256, false, true, 0});
  return cases;
}

// 132 tiles of 128 x 128: from there on CUDA takes large tiles, tensor cores where K runs along memory, with and
// without a ragged end.
inline std::vector<GemmCase> gemm_large_tile_cases() {
  return {{65, 70, 32, false, true, 0, 132}, {65, 70, 75, false, true, 5, 132, true}, {1665, 1300, 16, false, true}};
}

inline std::vector<GemmCase> gemm_epilogue_cases() {
  std::vector<GemmCase> cases;
  for (const GemmActivation activation :
       {GemmActivation::kNone, GemmActivation::kRelu, GemmActivation::kRelu6, GemmActivation::kGelu}) {
    cases.push_back({20, 37, 24, false, true, 0, 1, false, 1, 0, true, false, activation});
    cases.push_back({20, 37, 24, false, true, 0, 3, false, 0.5f, 0, true, true, activation});
    cases.push_back({33, 66, 17, false, false, 2, 3, false, 0.5f, 1, true, true, activation});
    cases.push_back({5, 9, 0, false, false, 1, 2, false, 1, -2, false, true, activation});
  }
  cases.push_back({20, 8, 24, false, true, 0, 1, false, 0, 1});
  cases.push_back({20, 8, 24, true, false, 3, 1, false, -1, 0});
  return cases;
}

}  // namespace assay::kernels
