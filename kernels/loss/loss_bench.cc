// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/loss/cosine_distance.h"
#include "kernels/loss/cosine_distance_ref.h"
#include "kernels/loss/hard_mining.h"
#include "kernels/loss/hard_mining_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

PreparedCase prepare_cosine(int64_t rows, int64_t cols) {
  struct Values {
    std::vector<float> a, b, distance, norms;
    std::vector<double> workspace;
  };
  const auto v = std::make_shared<Values>(Values{random_floats(rows * cols, 1), random_floats(rows * cols, 2),
                                                 std::vector<float>(rows), std::vector<float>(2 * rows),
                                                 std::vector<double>(cosine_distance_workspace_bytes(rows, cols) / 8)});
  const auto body = [=] {
    run(cosine_distance_forward,
        {v->a.data(), v->b.data(), v->distance.data(), v->norms.data(), v->workspace.data(), rows, cols});
  };
  const auto holds = [=] {
    const std::vector<double> a(v->a.begin(), v->a.begin() + cols), b(v->b.begin(), v->b.begin() + cols);
    const auto want = ref::cosine_distance_forward(a, b, {1, cols});
    return testing::count_wrong({v->distance[0]}, want.distance, want.distance_tolerance) == 0;
  };
  return {body, {}, holds};
}

PreparedCase prepare_selection(int64_t count) {
  const auto x = std::make_shared<std::vector<float>>(random_floats(count, 1, 0, 2));
  const auto workspace = std::make_shared<std::vector<uint32_t>>(count);
  const auto y = std::make_shared<float>();
  const int64_t k = hard_mining_k(count, 0.9);
  return {[=] {
            run(kth_largest, {x->data(), y.get(), workspace->data(), count, k});
          },
          {},
          [=] { return *y == ref::kth_largest(*x, k); }};
}

}  // namespace

std::vector<Case> loss_cases() {
  const int64_t points = 16 * 784, channels = 768;
  return {{"cosine_distance/maps", "16x602112", ref::cosine_distance_forward_flop(points, channels),
           ref::cosine_distance_forward_bytes(points, channels), [=] { return prepare_cosine(16, 784 * channels); }},
          {"cosine_distance/points", "12544x768", ref::cosine_distance_forward_flop(points, channels),
           ref::cosine_distance_forward_bytes(points, channels), [=] { return prepare_cosine(points, channels); }},
          {"kth_largest", "12544", 1.0 * points, ref::kth_largest_bytes(points),
           [=] { return prepare_selection(points); }}};
}

}  // namespace assay::bench
