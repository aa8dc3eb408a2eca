// SPDX-License-Identifier: Apache-2.0
#include "kernels/random/generator.h"

#include <cmath>
#include <numeric>
#include <utility>

#include "kernels/base/check.h"

namespace assay::kernels {

uint32_t Generator::bits() {
  if (used_ == 4) {
    block_ = philox_block(seed_, stream_, next_block_++);
    used_ = 0;
  }
  return block_.x[used_++];
}

double Generator::uniform() {
  const uint64_t high = bits() >> 5;
  const uint64_t low = bits() >> 6;
  return static_cast<double>(high << 26 | low) * 0x1p-53;
}

double Generator::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 - u is never 0
  return radius * std::cos(6.283185307179586 * uniform());
}

uint64_t Generator::below(uint64_t n) {
  ASSAY_CHECK(n >= 1, "Generator::below: n is 0, expected at least 1");
  // Draws that fall into the last, incomplete run of n values are thrown away.
  const uint64_t limit = UINT64_MAX - UINT64_MAX % n;
  for (;;) {
    const uint64_t high = bits();
    const uint64_t draw = high << 32 | bits();
    if (draw < limit) return draw % n;
  }
}

std::vector<int64_t> random_permutation(int64_t n, Generator& generator) {
  ASSAY_CHECK(n >= 0, "random_permutation: n is ", n);
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[generator.below(static_cast<uint64_t>(i) + 1)]);
  return order;
}

std::vector<int64_t> random_sample(int64_t n, int64_t count, Generator& generator) {
  ASSAY_CHECK(count >= 0 && count <= n, "random_sample: ", count, " out of ", n);
  // Knuth's selection sampling: each number in turn is taken with the chance that the rest is owed.
  std::vector<int64_t> sample;
  sample.reserve(count);
  for (int64_t i = 0; static_cast<int64_t>(sample.size()) < count; ++i) {
    const int64_t owed = count - static_cast<int64_t>(sample.size());
    if (static_cast<int64_t>(generator.below(static_cast<uint64_t>(n - i))) < owed) sample.push_back(i);
  }
  return sample;
}

}  // namespace assay::kernels
