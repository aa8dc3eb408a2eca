// SPDX-License-Identifier: Apache-2.0
// The CPU's side of gemm_mma.h: inputs become float32 that hold the rounded values, in memory of their own, and gemm
// multiplies these. int8 is multiplied as it is, by dot products that the compiler vectorises.
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/base/check.h"
#include "kernels/base/parallel.h"
#include "kernels/elementwise/convert_bfloat16.h"
#include "kernels/elementwise/convert_float16.h"
#include "kernels/matmul/gemm_mma.h"

namespace assay::kernels {
namespace {

constexpr int64_t kElementsPerPiece = 1 << 16;  // 256 KiB: long enough to hide the hand-out
constexpr int64_t kInt8RowsPerPiece = 16;

// The matrices of an operand as they lie in memory.
struct Extent {
  int64_t rows, columns, ld, matrices, stride;
};

template <class Input, class Output>
Extent extent_of_a(const GemmProblem<Input, Output>& p) {
  return {p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k, p.lda, p.stride_a == 0 ? 1 : p.batch, p.stride_a};
}

template <class Input, class Output>
Extent extent_of_b(const GemmProblem<Input, Output>& p) {
  return {p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n, p.ldb, p.stride_b == 0 ? 1 : p.batch, p.stride_b};
}

// The elements side by side. What lies between rows and matrices isn't read: it may be large, and somebody else's.
template <class Input>
std::vector<Input> packed(const Input* x, const Extent& e) {
  std::vector<Input> y;
  y.reserve(e.matrices * e.rows * e.columns);
  for (int64_t matrix = 0; matrix < e.matrices; ++matrix) {
    for (int64_t row = 0; row < e.rows; ++row) {
      const Input* from = x + matrix * e.stride + row * e.ld;
      y.insert(y.end(), from, from + e.columns);
    }
  }
  return y;
}

// The same product of packed operands.
template <class Input>
GemmArgs with_operands(const GemmProblem<Input, float>& p, const float* a, const float* b) {
  const Extent ea = extent_of_a(p), eb = extent_of_b(p);
  GemmArgs args = {a, b, p.c, p.m, p.n, p.k, ea.columns, eb.columns, p.ldc, p.transpose_a, p.transpose_b};
  args.batch = p.batch;
  args.stride_a = ea.matrices == 1 ? 0 : ea.rows * ea.columns;
  args.stride_b = eb.matrices == 1 ? 0 : eb.rows * eb.columns;
  args.stride_c = p.stride_c;
  args.epilogue = p.epilogue;
  return args;
}

float rounded_to_tf32(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  if ((bits & 0x7fffffff) < 0x7f800000) bits = (bits + 0x1000) & 0xffffe000;
  std::memcpy(&x, &bits, 4);
  return x;
}

struct SplitOperand {
  std::vector<float> big, small;
};

SplitOperand split(const std::vector<float>& x) {
  SplitOperand s = {std::vector<float>(x.size()), std::vector<float>(x.size())};
  parallel_for(static_cast<int64_t>(x.size()), kElementsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      s.big[i] = rounded_to_tf32(x[i]);
      s.small[i] = rounded_to_tf32(x[i] - s.big[i]);
    }
  });
  return s;
}

template <class Args>
std::vector<float> widened(const KernelTable<Args>& from_16_bits, const std::vector<uint16_t>& x) {
  std::vector<float> y(x.size());
  run(from_16_bits, {x.data(), y.data(), static_cast<int64_t>(x.size())});
  return y;
}

int32_t dot(const int8_t* x, const int8_t* y, int64_t count) {
  uint32_t sum = 0;  // wraps around, as on CUDA
  for (int64_t i = 0; i < count; ++i) sum += static_cast<uint32_t>(x[i] * y[i]);
  return static_cast<int32_t>(sum);
}

// Rows of op(A) or columns of op(B) of one matrix, one after the other along K.
std::vector<int8_t> along_k(const int8_t* x, int64_t rows, int64_t k, int64_t row_stride, int64_t k_stride) {
  std::vector<int8_t> y(rows * k);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < k; ++i) y[row * k + i] = x[row * row_stride + i * k_stride];
  }
  return y;
}

}  // namespace

void gemm_float16_cpu(const Gemm16Args& args) {
  const std::vector<float> a = widened(from_float16, packed(args.a, extent_of_a(args)));
  const std::vector<float> b = widened(from_float16, packed(args.b, extent_of_b(args)));
  run(gemm, with_operands(args, a.data(), b.data()));
}

void gemm_bfloat16_cpu(const Gemm16Args& args) {
  const std::vector<float> a = widened(from_bfloat16, packed(args.a, extent_of_a(args)));
  const std::vector<float> b = widened(from_bfloat16, packed(args.b, extent_of_b(args)));
  run(gemm, with_operands(args, a.data(), b.data()));
}

void gemm_tf32_cpu(const GemmArgs& args) {
  const SplitOperand a = split(packed(args.a, extent_of_a(args))), b = split(packed(args.b, extent_of_b(args)));
  run(gemm, with_operands(args, a.big.data(), b.big.data()));
}

void gemm_3xtf32_cpu(const GemmArgs& args) {
  const SplitOperand a = split(packed(args.a, extent_of_a(args))), b = split(packed(args.b, extent_of_b(args)));
  // The small products first, into c; the last product brings the epilogue's other half.
  GemmArgs step = with_operands(args, a.small.data(), b.big.data());
  step.epilogue = {};
  step.epilogue.alpha = args.epilogue.alpha;
  step.epilogue.beta = args.epilogue.beta;
  run(gemm, step);
  step.a = a.big.data();
  step.b = b.small.data();
  step.epilogue.beta = 1;
  run(gemm, step);
  step.b = b.big.data();
  step.epilogue = args.epilogue;
  step.epilogue.beta = 1;
  run(gemm, step);
}

void gemm_int8_cpu(const GemmInt8Args& args) {
  ASSAY_CHECK(args.epilogue.is_plain(), "gemm_int8: an epilogue is given, expected none");
  for (int64_t matrix = 0; matrix < args.batch; ++matrix) {
    const std::vector<int8_t> a = along_k(args.a + matrix * args.stride_a, args.m, args.k,
                                          args.transpose_a ? 1 : args.lda, args.transpose_a ? args.lda : 1);
    const std::vector<int8_t> b = along_k(args.b + matrix * args.stride_b, args.n, args.k,
                                          args.transpose_b ? args.ldb : 1, args.transpose_b ? 1 : args.ldb);
    int32_t* c = args.c + matrix * args.stride_c;
    parallel_for(args.m, kInt8RowsPerPiece, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        for (int64_t column = 0; column < args.n; ++column) {
          c[row * args.ldc + column] = dot(a.data() + row * args.k, b.data() + column * args.k, args.k);
        }
      }
    });
  }
}

}  // namespace assay::kernels
