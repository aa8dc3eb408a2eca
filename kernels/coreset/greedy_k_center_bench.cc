// SPDX-License-Identifier: Apache-2.0
// Few steps of large problems, and a tenth of a small one: on the CPU later steps cost less than the first.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kernels/coreset/greedy_k_center.h"
#include "kernels/coreset/greedy_k_center_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Problem {
  Problem(int64_t n, int64_t d, int64_t c)
      : num_points(n),
        dim(d),
        count(c),
        points(samples(n * d, 1, 0, 1)),
        selected(c),
        radius2(c),
        workspace(static_cast<int64_t>(greedy_k_center_workspace_bytes(n, d, c, testing::test_backend()))) {}
  void select() {
    launch(greedy_k_center, {points.data(), selected.data(), radius2.data(), num_points, dim, count,
                             /*start=*/0, workspace.data()});
  }
  // Touches memory itself: on the CPU alone.
  void textbook() {
    std::vector<float> minimum(num_points, std::numeric_limits<float>::infinity());
    const float* x = points.data();
    int64_t center = 0;
    for (int64_t i = 0; i < count; ++i) {
      selected.data()[i] = center;
      int64_t farthest = 0;
      for (int64_t p = 0; p < num_points; ++p) {
        float sum = 0;
        for (int64_t d = 0; d < dim; ++d) {
          const float difference = x[p * dim + d] - x[center * dim + d];
          sum += difference * difference;
        }
        minimum[p] = std::min(minimum[p], sum);
        if (minimum[p] > minimum[farthest]) farthest = p;
      }
      center = farthest;
    }
  }
  bool holds() const {
    const std::vector<int64_t> chosen = selected.values();
    const std::vector<float> x = points.values();
    ref::Cover cover(x, dim);
    for (int64_t i = 0; i < std::min<int64_t>(3, count - 1); ++i) {
      cover.take(chosen[i]);
      const double farthest = cover.distance2(cover.farthest());
      if (!(chosen[i + 1] >= 0 && farthest - cover.distance2(chosen[i + 1]) <= 1e-4 * farthest)) return false;
    }
    return true;
  }

  int64_t num_points, dim, count;
  Buffer<float> points;      // (N, D)
  Buffer<int64_t> selected;  // (count)
  Buffer<float> radius2;     // (count)
  Buffer<char> workspace;
};

PreparedCase prepare(int64_t num_points, int64_t dim, int64_t count) {
  const auto problem = std::make_shared<Problem>(num_points, dim, count);
  return {[problem] { problem->select(); }, [problem] { return problem->holds(); }};
}

PreparedCase prepare_textbook(int64_t num_points, int64_t dim, int64_t count) {
  const auto problem = std::make_shared<Problem>(num_points, dim, count);
  return {[problem] { problem->textbook(); }, [problem] { return problem->holds(); }};
}

}  // namespace

std::vector<Case> greedy_k_center_cases(const Scale& s) {
  const int64_t shapes[][3] = {{100000, 128, 20}, {200000, 152, 8}, {10000, 128, 1000}};
  std::vector<Case> cases;
  for (const auto& shape : shapes) {
    const int64_t points = s(shape[0]), dim = s(shape[1]), count = s(shape[2], 4);
    cases.push_back({"greedy_k_center", shape_text({points, dim}) + ":" + std::to_string(count),
                     ref::greedy_k_center_flops(points, dim, count), ref::greedy_k_center_bytes(points, dim, count),
                     [=] { return prepare(points, dim, count); }});
    if (!testing::on_cuda()) cases.back().prepare_base = [=] { return prepare_textbook(points, dim, count); };
  }
  return cases;
}

}  // namespace assay::bench
