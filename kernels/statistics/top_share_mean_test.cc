// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/top_share_mean.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/statistics/statistics_ref.h"
#include "tests/support/backend.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<double> means(const std::vector<float>& x, int64_t rows, double share) {
  const int64_t cols = static_cast<int64_t>(x.size()) / std::max<int64_t>(rows, 1);
  GuardedBuffer<double> mean(rows);
  GuardedBuffer<char> workspace(top_share_mean_workspace_bytes(testing::test_backend(), rows, cols, share), 0);
  Staging s;
  run(top_share_mean, {s.in(x), s.out(mean), rows, cols, share, s.out(workspace)}, s.stream());
  s.finish();
  CHECK(mean.guards_intact());
  CHECK(workspace.guards_intact());
  return mean.values();
}

void check_against_reference(const std::string& kind, int64_t rows, int64_t cols, double share) {
  CAPTURE(kind);
  CAPTURE(rows);
  CAPTURE(cols);
  CAPTURE(share);
  const std::vector<float> x = ref::row(kind, rows * cols, 1);
  const std::vector<double> got = means(x, rows, share);
  const int64_t k = top_share_count(cols, share);
  for (int64_t r = 0; r < rows; ++r) {
    const ref::TopMean want = ref::top_mean({x.begin() + r * cols, x.begin() + (r + 1) * cols}, k);
    CHECK(std::fabs(got[r] - want.mean) <= static_cast<double>(cols + 2) * 0x1p-53 * want.magnitude);
  }
}

TEST_CASE("top_share_mean agrees with sorting in double") {
  for (const std::string& kind : ref::kRowKinds) {
    for (const int64_t cols : {1, 2, 33, 99, 100, 101, 511, 512, 513, 8193}) {
      for (const double share : {1e-9, 0.01, 0.3, 1.0}) check_against_reference(kind, 3, cols, share);
    }
  }
  check_against_reference("narrow", 1, 64 * 64, 0.01);
}

TEST_CASE("top_share_mean takes at least one value, and of equal values as many as are missing") {
  CHECK(means({3, 7, 5, 1}, 1, 0.01) == std::vector<double>{7});
  CHECK(means({3, 7, 5, 5, 5, 1, 1, 1}, 1, 0.375) == std::vector<double>{17.0 / 3});  // 7 5 5
  CHECK(means({-kInf, -kInf, 1, 1}, 1, 0.5) == std::vector<double>{1});
  CHECK(means({kInf, 2, kInf, 1}, 1, 0.5) == std::vector<double>{kInf});
  CHECK(means({}, 0, 0.5).empty());
}

TEST_CASE("top_share_mean of a row with a NaN is NaN, and other rows do not mind") {
  const std::vector<double> got = means({1, 2, kNaN, 4, 1, 2, 3, 4, kNaN, kNaN, kNaN, kNaN}, 3, 0.25);
  CHECK(std::isnan(got[0]));
  CHECK(got[1] == 4);
  CHECK(std::isnan(got[2]));
}

// What models/scoring/image_score.cc computes for "top:S", written down once more.
TEST_CASE("top_share_mean on the CPU has the bits of the image score, wherever in the row values stand") {
  if (testing::on_cuda()) return;  // there it sums in another order; see the contract
  std::vector<float> x = ref::row("wide", 777, 5);
  std::mt19937 engine(3);
  for (const double share : {0.01, 0.2, 1.0}) {
    const int64_t count = std::max<int64_t>(1, static_cast<int64_t>(std::floor(share * 777)));
    std::vector<float> sorted = x;
    std::sort(sorted.begin(), sorted.end());
    const double score = std::accumulate(sorted.end() - count, sorted.end(), 0.0) / static_cast<double>(count);
    for (const int threads : {1, 3}) {
      set_num_threads(threads);
      std::shuffle(x.begin(), x.end(), engine);
      CHECK(means(x, 1, share) == std::vector<double>{score});
    }
  }
  set_num_threads(2);
}

TEST_CASE("top_share_mean gives the same bits when it runs again") {
  const std::vector<float> x = ref::row("wide", 3 * 5000, 6);
  CHECK(means(x, 3, 0.1) == means(x, 3, 0.1));
}

}  // namespace
}  // namespace assay::kernels
