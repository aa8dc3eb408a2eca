// SPDX-License-Identifier: Apache-2.0
// The tokens of a batch through a ViT-B.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/reduce/axis_sum.h"
#include "kernels/reduce/axis_sum_ref.h"
#include "kernels/reduce/total.h"
#include "kernels/reduce/total_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

template <class Scratch>
struct Sums {
  Buffer<float> x, y;
  Buffer<Scratch> workspace;
};

PreparedCase prepare_column_sum(int64_t rows, int64_t cols) {
  const auto s = std::make_shared<Sums<float>>(
      Sums<float>{samples(rows * cols, 1, -2, 2), Buffer<float>(cols),
                  Buffer<float>(static_cast<int64_t>(column_sum_workspace_bytes(rows, cols) / sizeof(float)))});
  return {[=] {
            launch(column_sum, {s->x.data(), nullptr, s->y.data(), s->workspace.data(), rows, cols});
          },
          [=] {
            const auto want = ref::column_sum(s->x.values(), {}, {rows, cols}, 0);
            return begins_with(s->y, want.value, want.tolerance);
          }};
}

PreparedCase prepare_row_sum(int64_t rows, int64_t cols) {
  const auto s =
      std::make_shared<Sums<float>>(Sums<float>{samples(rows * cols, 1, -2, 2), Buffer<float>(rows), Buffer<float>(0)});
  return {[=] {
            launch(row_sum, {s->x.data(), nullptr, s->y.data(), rows, cols});
          },
          [=] {
            const auto want = ref::row_sum(s->x.values(0, cols), {}, {1, cols}, 0);
            return begins_with(s->y, want.value, want.tolerance);
          }};
}

PreparedCase prepare_total(int64_t count) {
  const auto s = std::make_shared<Sums<double>>(
      Sums<double>{samples(count, 1, -2, 2), Buffer<float>(1), Buffer<double>(total_pieces(count))});
  return {[=] {
            launch(total, {s->x.data(), s->y.data(), s->workspace.data(), count, Total::kMean});
          },
          [=] {
            const std::vector<float> x = s->x.values();
            return begins_with(s->y, {ref::total(x, Total::kMean)}, ref::total_tolerance(x, Total::kMean));
          }};
}

}  // namespace

std::vector<Case> reduce_cases(const Scale& s) {
  const int64_t rows = s(16) * s(789), cols = s(768), count = rows * cols;
  const std::string shape = shape_text({rows, cols});
  return {{"column_sum", shape, ref::axis_sum_flop(rows, cols), ref::axis_sum_bytes(rows, cols),
           [=] { return prepare_column_sum(rows, cols); }},
          {"row_sum", shape, ref::axis_sum_flop(rows, cols), ref::axis_sum_bytes(rows, cols),
           [=] { return prepare_row_sum(rows, cols); }},
          {"total", shape_text({count}), ref::total_flop(count), ref::total_bytes(count),
           [=] { return prepare_total(count); }}};
}

}  // namespace assay::bench
