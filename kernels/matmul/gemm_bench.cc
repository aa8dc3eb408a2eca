// SPDX-License-Identifier: Apache-2.0
// Products of the models: tokens by weights (ViT-S at batch 2), the backbone's 1 x 1 layers at batch 16, distances.
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/matmul/gemm.h"
#include "kernels/matmul/gemm_mma.h"
#include "kernels/matmul/gemm_ref.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Product {
  Product(int64_t rows, int64_t columns, int64_t depth)
      : m(rows), n(columns), k(depth), a(rows * depth), b(columns * depth), c(rows * columns) {
    std::mt19937 generator(1);
    for (float& v : a) v = static_cast<float>(generator() >> 8) * 0x1p-24f - 0.5f;
    for (float& v : b) v = static_cast<float>(generator() >> 8) * 0x1p-24f - 0.5f;
  }
  GemmArgs args() { return {a.data(), b.data(), c.data(), m, n, k, k, k, n, false, true}; }
  bool holds(double relative_error) {
    for (const int64_t row : {int64_t{0}, m / 2, m - 1}) {
      for (const int64_t column : {int64_t{0}, n / 2, n - 1}) {
        const ref::GemmElement e = ref::gemm_element(args(), row, column);
        if (!(std::abs(c[row * n + column] - e.value) <= relative_error * e.magnitude)) return false;
      }
    }
    return true;
  }

  int64_t m, n, k;
  std::vector<float> a, b, c;
};

struct Kernel {
  const KernelTable<GemmArgs>* table;
  double error_by_k;  // bound of an element's error relative to its magnitude: constant + by_k * K
  double error_constant;
};

PreparedCase prepare(const Kernel& kernel, int64_t m, int64_t n, int64_t k) {
  const auto product = std::make_shared<Product>(m, n, k);
  const double error = kernel.error_constant + kernel.error_by_k * static_cast<double>(k);
  const std::function<void()> base = [product] { run(gemm, product->args()); };
  return {[product, table = kernel.table] { run(*table, product->args()); },
          kernel.table == &gemm ? std::function<void()>() : base, [product, error] { return product->holds(error); }};
}

}  // namespace

std::vector<Case> gemm_cases() {
  const Kernel kernels[] = {
      {&gemm, 0x1p-23, 0}, {&gemm_tf32, 0x1p-22, 0x1p-9}, {&gemm_3xtf32, 3 * 0x1p-22, 6 * 0x1p-22}};
  const int64_t shapes[][3] = {
      {1578, 384, 384}, {1578, 1536, 384}, {1578, 384, 1536}, {4096, 480, 80}, {4096, 112, 480}};
  std::vector<Case> cases;
  for (const Kernel& kernel : kernels) {
    for (const auto& [m, n, k] : shapes) {
      const double bytes = 4.0 * static_cast<double>(m * k + n * k + m * n);
      cases.push_back({kernel.table->name, std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k),
                       ref::gemm_flops(m, n, k), bytes,
                       [kernel, m = m, n = n, k = k] { return prepare(kernel, m, n, k); }});
    }
  }
  return cases;
}

}  // namespace assay::bench
