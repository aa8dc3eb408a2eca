// SPDX-License-Identifier: Apache-2.0
// Products with an operand whose last row, or whose last matrix, begins beyond element 2^31: an offset that is computed
// in 32 bits ends elsewhere.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/matmul/gemm_cases.h"
#include "tests/support/sparse_array.h"

namespace assay::kernels {

enum class FarOperand { kA, kB, kC, kResidual };
enum class FarBy { kRows, kLeadingDimension, kMatrices };  // kLeadingDimension: it is beyond 2^31 itself

struct FarGemmCase {
  FarOperand operand;
  FarBy by;
  bool transpose_a, transpose_b;
};

// Each operand far by each of `kinds`; a and b with and without transpose.
inline std::vector<FarGemmCase> far_gemm_cases(const std::vector<FarBy>& kinds) {
  std::vector<FarGemmCase> cases;
  for (const FarBy by : kinds) {
    for (const FarOperand operand : {FarOperand::kA, FarOperand::kB, FarOperand::kC, FarOperand::kResidual}) {
      cases.push_back({operand, by, false, true});
    }
    cases.push_back({FarOperand::kA, by, true, true});
    cases.push_back({FarOperand::kB, by, false, false});
  }
  return cases;
}

// A batch of matrices in memory that may be sparse. Rows and matrices begin at multiples of 16 elements.
template <class T>
class SpreadMatrices {
 public:
  SpreadMatrices(int64_t matrices, int64_t rows, int64_t cols, bool far, FarBy by)
      : matrices_(matrices),
        rows_(rows),
        cols_(cols),
        ld_(!far || by == FarBy::kMatrices   ? aligned(cols)
            : by == FarBy::kLeadingDimension ? aligned(kFar)
                                             : aligned(kFar / std::min<int64_t>(rows - 1, 16))),
        stride_(far && by == FarBy::kMatrices ? aligned(kFar) : rows * ld_),
        memory_((matrices - 1) * stride_ + (rows - 1) * ld_ + cols) {}

  T* data() { return memory_.data(); }
  int64_t ld() const { return ld_; }
  int64_t stride() const { return stride_; }

  void put(const std::vector<T>& compact) {
    for (int64_t r = 0; r < matrices_ * rows_; ++r) {
      memory_.put(place(r), {compact.begin() + r * cols_, compact.begin() + (r + 1) * cols_});
    }
  }
  std::vector<T> get() const {
    std::vector<T> compact;
    for (int64_t r = 0; r < matrices_ * rows_; ++r) {
      const std::vector<T> row = memory_.get(place(r), cols_);
      compact.insert(compact.end(), row.begin(), row.end());
    }
    return compact;
  }

 private:
  static constexpr int64_t kFar = int64_t{1} << 31;
  static int64_t aligned(int64_t count) { return count / 16 * 16 + 16; }
  int64_t place(int64_t row) const { return row / rows_ * stride_ + row % rows_ * ld_; }

  int64_t matrices_, rows_, cols_, ld_, stride_;
  testing::SparseArray<T> memory_;
};

// relative_error, value: as GemmData::check. with_epilogue: adds to what c held, and a residual.
template <class Input, class Output, class MakeInput, class Value>
void check_far_gemm(const KernelTable<GemmProblem<Input, Output>>& kernel, const FarGemmCase& t,
                    const MakeInput& make_input, double relative_error, const Value& value, bool with_epilogue = true) {
  CAPTURE(static_cast<int>(t.operand));
  CAPTURE(static_cast<int>(t.by));
  CAPTURE(t.transpose_a);
  CAPTURE(t.transpose_b);
  const bool two = t.by == FarBy::kLeadingDimension;  // rows: enough, and more would take more addresses
  const int64_t m = two ? 2 : 36, n = two ? 2 : 35, k = two ? 2 : 20, batch = t.by == FarBy::kMatrices ? 2 : 1;
  const auto is_far = [&](FarOperand operand) { return t.operand == operand; };
  SpreadMatrices<Input> a(batch, t.transpose_a ? k : m, t.transpose_a ? m : k, is_far(FarOperand::kA), t.by);
  SpreadMatrices<Input> b(batch, t.transpose_b ? n : k, t.transpose_b ? k : n, is_far(FarOperand::kB), t.by);
  SpreadMatrices<Output> c(batch, m, n, is_far(FarOperand::kC), t.by);
  SpreadMatrices<float> residual(batch, m, n, is_far(FarOperand::kResidual), t.by);
  const auto inputs = [&](int64_t count, uint64_t seed) {
    const std::vector<float> normal = random_values(count, seed);
    std::vector<Input> v(count);
    std::transform(normal.begin(), normal.end(), v.begin(), make_input);
    return v;
  };
  const std::vector<Input> a_values = inputs(batch * m * k, 1), b_values = inputs(batch * k * n, 2);
  const std::vector<float> added = random_values(batch * m * n, 3), start = random_values(batch * m * n, 4);
  a.put(a_values);
  b.put(b_values);
  c.put(std::vector<Output>(start.begin(), start.end()));
  residual.put(added);

  GemmProblem<Input, Output> args = {a.data(), b.data(),      c.data(),     m, n, k, a.ld(), b.ld(),
                                     c.ld(),   t.transpose_a, t.transpose_b};
  args.batch = batch;
  args.stride_a = a.stride(), args.stride_b = b.stride(), args.stride_c = c.stride();
  if (with_epilogue) {
    args.epilogue.beta = 1;
    args.epilogue.residual = residual.data();
    args.epilogue.ld_residual = residual.ld();
    args.epilogue.stride_residual = residual.stride();
  }
  run(kernel, args, testing::Staging().stream());
  const std::vector<Output> found = c.get();

  // The same problem, compact and in double.
  std::vector<double> a_exact(a_values.size()), b_exact(b_values.size());
  std::transform(a_values.begin(), a_values.end(), a_exact.begin(), value);
  std::transform(b_values.begin(), b_values.end(), b_exact.begin(), value);
  GemmProblem<double, double> exact = {
      a_exact.data(), b_exact.data(), nullptr, m, n, k, t.transpose_a ? m : k, t.transpose_b ? k : n, n,
      t.transpose_a,  t.transpose_b};
  exact.batch = batch;
  exact.stride_a = m * k, exact.stride_b = k * n;
  exact.epilogue = args.epilogue;
  if (with_epilogue) exact.epilogue.residual = added.data();
  exact.epilogue.ld_residual = n, exact.epilogue.stride_residual = m * n;
  int64_t wrong = 0;
  for (int64_t i = 0; i < batch * m * n; ++i) {
    const int64_t matrix = i / (m * n), row = i / n % m, column = i % n;
    const ref::FinishedElement e = ref::finished_element(exact.epilogue, ref::gemm_element(exact, row, column, matrix),
                                                         relative_error, start[i], row, column, matrix);
    if (!(std::abs(found[i] - e.value) <= e.tolerance)) ++wrong;
  }
  CHECK(wrong == 0);
}

}  // namespace assay::kernels
