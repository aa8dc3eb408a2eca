// SPDX-License-Identifier: Apache-2.0
// Products of the models: tokens by weights (ViT-S at batch 2, ViT-B at batch 16), the backbone's 1 x 1 layers at batch
// 16; on each kind of unit, and by the library where the build has it.
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/elementwise/convert_bfloat16_ref.h"
#include "kernels/elementwise/convert_float16_ref.h"
#include "kernels/matmul/gemm.h"
#include "kernels/matmul/gemm_cublas.h"
#include "kernels/matmul/gemm_cublas_finish.h"
#include "kernels/matmul/gemm_mma.h"
#include "kernels/matmul/gemm_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct GemmShape {
  int64_t m, n, k;
};

// An element's error relative to its magnitude, as the contracts state it: constant + by_k * K.
struct Accuracy {
  double by_k, constant;
};

// The elements of a type that cases are made of: numbers in [-0.5, 0.5); all int8 there are; bits of float16 from 0.5
// to 1 (as bfloat16 from 2^-15 to 2^-7) of either sign.
template <class Input>
std::vector<Input> elements(int64_t count, uint64_t seed);
template <>
std::vector<float> elements(int64_t count, uint64_t seed) {
  return sample_values(count, seed, -0.5, 0.5);
}
template <>
std::vector<int8_t> elements(int64_t count, uint64_t seed) {
  return sample_integers<int8_t>(count, seed, 256);
}
template <>
std::vector<uint16_t> elements(int64_t count, uint64_t seed) {
  std::vector<uint16_t> x = sample_integers<uint16_t>(count, seed, 0x800);
  for (uint16_t& bits : x) bits = static_cast<uint16_t>((bits & 0x400) << 5 | 0x3800 | (bits & 0x3ff));
  return x;
}
double same_number(double x) { return x; }

template <class Input, class Output>
struct Product {
  explicit Product(const GemmShape& s)
      : shape(s), a(elements<Input>(s.m * s.k, 1)), b(elements<Input>(s.n * s.k, 2)), c(s.m * s.n) {}
  GemmProblem<Input, Output> args() {
    return {a.data(), b.data(), c.data(), shape.m, shape.n, shape.k, shape.k, shape.k, shape.n, false, true};
  }
  template <class Number>
  bool holds(const Accuracy& accuracy, const Number& number) const {
    const double error = accuracy.constant + accuracy.by_k * static_cast<double>(shape.k);
    for (const int64_t row : {int64_t{0}, shape.m / 2, shape.m - 1}) {
      for (const int64_t column : {int64_t{0}, shape.n / 2, shape.n - 1}) {
        std::vector<double> left, right;
        for (const Input x : a.values(row * shape.k, shape.k)) left.push_back(number(x));
        for (const Input x : b.values(column * shape.k, shape.k)) right.push_back(number(x));
        const GemmProblem<double, double> one = {left.data(), right.data(), nullptr, 1,     1,   shape.k,
                                                 shape.k,     shape.k,      1,       false, true};
        const ref::GemmElement e = ref::gemm_element(one, 0, 0);
        const double found = c.values(row * shape.n + column, 1)[0];
        if (!(std::abs(found - e.value) <= error * e.magnitude)) return false;
      }
    }
    return true;
  }

  GemmShape shape;
  Buffer<Input> a, b;
  Buffer<Output> c;
};

template <class Input, class Output, class Number>
PreparedCase prepare(const KernelTable<GemmProblem<Input, Output>>& kernel, const GemmShape& s,
                     const Accuracy& accuracy, const Number& number) {
  const auto product = std::make_shared<Product<Input, Output>>(s);
  return {[product, &kernel] { launch(kernel, product->args()); }, [=] { return product->holds(accuracy, number); }};
}

constexpr Accuracy kFloat32Accuracy = {0x1p-23, 0};

template <class Input, class Output, class Number>
Case case_of(const KernelTable<GemmProblem<Input, Output>>& kernel, const GemmShape& s, const Accuracy& accuracy,
             const char* dtype, Arithmetic arithmetic, const Number& number) {
  const double bytes = static_cast<double>(sizeof(Input)) * static_cast<double>((s.m + s.n) * s.k) +
                       static_cast<double>(sizeof(Output)) * static_cast<double>(s.m * s.n);
  Case c = {kernel.name,
            shape_text({s.m, s.n, s.k}),
            ref::gemm_flops(s.m, s.n, s.k),
            bytes,
            [=, &kernel] { return prepare(kernel, s, accuracy, number); },
            dtype,
            arithmetic};
  if (static_cast<const void*>(&kernel) != &gemm) {
    c.prepare_base = [s] { return prepare(gemm, s, kFloat32Accuracy, same_number); };
  }
  return c;
}

// What the library's product leaves to be done before a GELU, in place: run after run on the last one's result.
Case finish_case(int64_t m, int64_t n) {
  struct Matrix {
    Buffer<float> c, bias;
  };
  const auto prepare = [=]() -> PreparedCase {
    const auto x = std::make_shared<Matrix>(Matrix{samples(m * n, 1), samples(n, 2)});
    const std::vector<float> before = x->c.values(0, n);
    const auto epilogue = [](const float* bias) {
      GemmEpilogue e;
      e.beta = 1;
      e.bias = bias;
      e.activation = GemmActivation::kGelu;
      return e;
    };
    return {[=] {
              launch(gemm_finish, {x->c.data(), m, n, n, 1, 0, epilogue(x->bias.data())});
            },
            [=] {
              const std::vector<float> bias = x->bias.values();
              std::vector<double> want, tolerance;
              for (int64_t j = 0; j < n; ++j) {
                const auto e = ref::finished_element(epilogue(bias.data()), {0, 0}, 0, before[j], 0, j);
                want.push_back(e.value), tolerance.push_back(e.tolerance);
              }
              return begins_with(x->c, want, tolerance);
            }};
  };
  const double elements = static_cast<double>(m * n);
  return {"gemm_finish", shape_text({m, n}), 30 * elements, 8 * elements, prepare};  // a GELU is some 30
}

// By own kernels or the library's for a GPU alone; the CPU has gemm for all of these.
void add_for_cuda(const KernelTable<GemmArgs>& kernel, const GemmShape& s, const Accuracy& accuracy,
                  Arithmetic arithmetic, std::vector<Case>* cases) {
  Case c = case_of(kernel, s, accuracy, "f32", arithmetic, same_number);
  c.on_cpu = false;
  c.on_cuda = kernel.cuda != nullptr;
  cases->push_back(c);
}

}  // namespace

std::vector<Case> gemm_cases(const Scale& scale) {
  const Accuracy tf32 = {0x1p-22, 0x1p-10 + 0x1p-22}, halves = {0x1p-22, 0}, exact = {0, 0};
  const Accuracy three_tf32 = {3 * 0x1p-22, 6 * 0x1p-22}, to_bfloat16 = {0x1p-23, 0x1p-8 + 0x1p-18};
  std::vector<Case> cases;
  for (const GemmShape& product : {GemmShape{1578, 384, 384}, GemmShape{1578, 1536, 384}, GemmShape{1578, 384, 1536},
                                   GemmShape{4096, 480, 80}, GemmShape{4096, 112, 480}, GemmShape{12624, 768, 768}}) {
    const GemmShape s = {scale(product.m), scale(product.n), scale(product.k)};
    cases.push_back(case_of(gemm, s, kFloat32Accuracy, "f32", Arithmetic::kFloat32, same_number));
    add_for_cuda(gemm_tiled, s, kFloat32Accuracy, Arithmetic::kFloat32, &cases);
    add_for_cuda(gemm_cublas, s, kFloat32Accuracy, Arithmetic::kFloat32, &cases);
    add_for_cuda(gemm_cublas_tf32, s, tf32, Arithmetic::kTf32, &cases);
    add_for_cuda(gemm_cublas_bfloat16, s, to_bfloat16, Arithmetic::kBfloat16, &cases);
    cases.push_back(case_of(gemm_tf32, s, tf32, "f32", Arithmetic::kTf32, same_number));
    cases.push_back(case_of(gemm_3xtf32, s, three_tf32, "f32", Arithmetic::kThreeTf32, same_number));
    cases.push_back(case_of(gemm_float16, s, halves, "f16", Arithmetic::kFloat16, ref::value_of_float16));
    cases.push_back(case_of(gemm_bfloat16, s, halves, "bf16", Arithmetic::kBfloat16, ref::value_of_bfloat16));
    cases.push_back(case_of(gemm_int8, s, exact, "i8", Arithmetic::kInt8, same_number));
  }
  cases.push_back(finish_case(scale(1578), scale(1536)));
  return cases;
}

}  // namespace assay::bench
