// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/coreset/greedy_k_center.h"
#include "kernels/coreset/greedy_k_center_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tools/bench/case.h"
#include "tools/bench/launch.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Problem {
  Problem(int64_t n, int64_t d, int64_t c)
      : num_points(n),
        dim(d),
        count(c),
        points(n * d),
        selected(c),
        radius2(c),
        minimum(n),
        workspace(greedy_k_center_workspace_bytes(n, testing::test_backend()), 0) {
    std::mt19937 generator(1);
    for (float& v : points) v = static_cast<float>(generator() >> 8) * 0x1p-24f;
  }
  void select() {
    launch(greedy_k_center, GreedyKCenterArgs{points.data(), selected.data(), radius2.data(), num_points, dim, count,
                                              /*start=*/0, workspace.data()});
  }
  void textbook() {
    minimum.assign(num_points, std::numeric_limits<float>::infinity());
    int64_t center = 0;
    for (int64_t i = 0; i < count; ++i) {
      int64_t farthest = 0;
      for (int64_t p = 0; p < num_points; ++p) {
        float sum = 0;
        for (int64_t d = 0; d < dim; ++d) {
          const float difference = points[p * dim + d] - points[center * dim + d];
          sum += difference * difference;
        }
        minimum[p] = std::min(minimum[p], sum);
        if (minimum[p] > minimum[farthest]) farthest = p;
      }
      center = farthest;
    }
  }
  bool holds() const {
    ref::Cover cover(points, dim);
    for (int64_t i = 0; i < 3; ++i) {
      cover.take(selected[i]);
      const double farthest = cover.distance2(cover.farthest());
      if (!(farthest - cover.distance2(selected[i + 1]) <= 1e-4 * farthest)) return false;
    }
    return true;
  }

  int64_t num_points, dim, count;
  std::vector<float> points;      // (N, D)
  std::vector<int64_t> selected;  // (count)
  std::vector<float> radius2;     // (count)
  std::vector<float> minimum;     // (N), of the textbook loop
  testing::GuardedBuffer<char> workspace;
};

PreparedCase prepare(int64_t num_points, int64_t dim, int64_t count) {
  const auto problem = std::make_shared<Problem>(num_points, dim, count);
  return {[problem] { problem->select(); }, [problem] { problem->textbook(); }, [problem] { return problem->holds(); }};
}

}  // namespace

std::vector<Case> greedy_k_center_cases() {
  // Few steps of a large problem: every step costs the same.
  const int64_t shapes[][3] = {{100000, 128, 20}, {200000, 152, 8}, {10000, 128, 100}};
  std::vector<Case> cases;
  for (const auto& [points, dim, count] : shapes) {
    cases.push_back({"greedy_k_center",
                     std::to_string(points) + "x" + std::to_string(dim) + ":" + std::to_string(count),
                     ref::greedy_k_center_flops(points, dim, count), ref::greedy_k_center_bytes(points, dim, count),
                     [n = points, d = dim, c = count] { return prepare(n, d, c); }});
  }
  return cases;
}

}  // namespace assay::bench
