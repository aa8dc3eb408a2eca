// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/arithmetic/combine.h"
#include "kernels/arithmetic/combine_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

PreparedCase prepare_combine(int64_t rows, int64_t cols, Broadcast broadcast) {
  const auto a = std::make_shared<std::vector<float>>(random_floats(rows * cols, 1));
  const auto b = std::make_shared<std::vector<float>>(random_floats(ref::size_of_b(broadcast, {rows, cols}), 2));
  const auto y = std::make_shared<std::vector<float>>(rows * cols);
  const auto holds = [=] {
    const auto want = ref::combine(*a, *b, {1, cols}, Combination::kAdd, broadcast, 1, 0);
    return testing::count_wrong({y->begin(), y->begin() + cols}, want.value, want.tolerance) == 0;
  };
  return {[=] {
            run(combine, {a->data(), b->data(), y->data(), rows, cols, Combination::kAdd, broadcast});
          },
          {},
          holds};
}

}  // namespace

std::vector<Case> arithmetic_cases() {
  const int64_t rows = 16 * 789, cols = 768;
  return {{"combine/add", "12624x768", ref::combine_flop(rows, cols), ref::combine_bytes(rows, cols, rows * cols),
           [=] { return prepare_combine(rows, cols, Broadcast::kNone); }},
          {"combine/bias", "12624x768", ref::combine_flop(rows, cols), ref::combine_bytes(rows, cols, cols),
           [=] { return prepare_combine(rows, cols, Broadcast::kRow); }}};
}

}  // namespace assay::bench
