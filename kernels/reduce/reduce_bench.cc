// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/reduce/axis_sum.h"
#include "kernels/reduce/axis_sum_ref.h"
#include "kernels/reduce/total.h"
#include "kernels/reduce/total_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

PreparedCase prepare_column_sum(int64_t rows, int64_t cols) {
  const auto x = std::make_shared<std::vector<float>>(random_floats(rows * cols, 1));
  const auto y = std::make_shared<std::vector<float>>(cols);
  const auto workspace = std::make_shared<std::vector<float>>(column_sum_workspace_bytes(rows, cols) / sizeof(float));
  const auto holds = [=] {
    const auto want = ref::column_sum(*x, {}, {rows, cols}, 0);
    return testing::count_wrong(*y, want.value, want.tolerance) == 0;
  };
  return {[=] { run(column_sum, {x->data(), nullptr, y->data(), workspace->data(), rows, cols}); }, {}, holds};
}

PreparedCase prepare_total(int64_t count) {
  const auto x = std::make_shared<std::vector<float>>(random_floats(count, 1));
  const auto y = std::make_shared<float>();
  const auto workspace = std::make_shared<std::vector<double>>(total_pieces(count));
  const auto holds = [=] {
    return std::fabs(*y - ref::total(*x, Total::kMean)) <= ref::total_tolerance(*x, Total::kMean);
  };
  return {[=] { run(total, {x->data(), y.get(), workspace->data(), count, Total::kMean}); }, {}, holds};
}

}  // namespace

std::vector<Case> reduce_cases() {
  const int64_t rows = 16 * 789, cols = 768;
  return {{"column_sum", "12624x768", ref::axis_sum_flop(rows, cols), ref::axis_sum_bytes(rows, cols),
           [=] { return prepare_column_sum(rows, cols); }},
          {"total", "9695232", ref::total_flop(rows * cols), ref::total_bytes(rows * cols),
           [=] { return prepare_total(rows * cols); }}};
}

}  // namespace assay::bench
