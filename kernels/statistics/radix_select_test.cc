// SPDX-License-Identifier: Apache-2.0
#include "kernels/statistics/radix_select.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
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

struct Ranks {
  int64_t first, count;
};

// (R, ranks.count)
std::vector<float> select(const std::vector<float>& x, int64_t rows, Ranks ranks,
                          const std::vector<float>& center = {}) {
  const int64_t cols = static_cast<int64_t>(x.size()) / std::max<int64_t>(rows, 1);
  GuardedBuffer<float> value(rows * ranks.count);
  GuardedBuffer<char> workspace(radix_select_workspace_bytes(testing::test_backend(), rows, ranks.count), 0);
  Staging s;
  run(radix_select,
      {s.in(x), center.empty() ? nullptr : s.in(center), s.out(value), rows, cols, ranks.first, ranks.count,
       s.out(workspace)},
      s.stream());
  s.finish();
  CHECK(value.guards_intact());
  CHECK(workspace.guards_intact());
  return value.values();
}

// The very bits: also the sign of a zero.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_against_reference(const std::string& kind, int64_t rows, int64_t cols, Ranks ranks, uint32_t seed) {
  CAPTURE(kind);
  CAPTURE(rows);
  CAPTURE(cols);
  CAPTURE(ranks.first);
  CAPTURE(ranks.count);
  std::vector<float> x, expected;
  for (int64_t r = 0; r < rows; ++r) {
    const std::vector<float> row = ref::row(kind, cols, seed + static_cast<uint32_t>(r));
    x.insert(x.end(), row.begin(), row.end());
    const std::vector<double> sorted = ref::sorted({row.begin(), row.end()});
    for (int64_t i = 0; i < ranks.count; ++i) expected.push_back(static_cast<float>(sorted[ranks.first + i]));
  }
  CHECK(same_bits(select(x, rows, ranks), expected));
}

// A warp is 32 values, a block 256, and on CUDA a chunk 8192.
TEST_CASE("radix_select finds every rank exactly, at every edge of warp, block and chunk") {
  for (const std::string& kind : ref::kRowKinds) {
    for (const int64_t cols : {1, 2, 31, 32, 33, 255, 256, 257, 8191, 8192, 8193, 20000}) {
      check_against_reference(kind, 1, cols, {0, 1}, 1);
      check_against_reference(kind, 2, cols, {cols - 1, 1}, 2);
      check_against_reference(kind, 3, cols, {(cols - 1) / 2, std::min<int64_t>(2, cols)}, 3);
    }
    for (int64_t rank = 0; rank < 40; ++rank) check_against_reference(kind, 1, 40, {rank, 1}, 4);
    check_against_reference(kind, 2, 40, {0, 40}, 5);  // all of them: sorted rows
  }
}

TEST_CASE("radix_select ranks the distances from a center as float32 has them") {
  for (const std::string& kind : ref::kRowKinds) {
    CAPTURE(kind);
    const std::vector<float> x = ref::row(kind, 3 * 101, 6);
    const std::vector<float> center = {0.3f, -1.0f, 1.0005f};
    std::vector<float> expected;
    for (int64_t r = 0; r < 3; ++r) {
      std::vector<double> distance;
      for (int64_t i = 0; i < 101; ++i) distance.push_back(std::fabs(x[r * 101 + i] - center[r]));
      const std::vector<double> sorted = ref::sorted(distance);
      for (int64_t i = 0; i < 5; ++i) expected.push_back(static_cast<float>(sorted[48 + i]));
    }
    CHECK(same_bits(select(x, 3, {48, 5}, center), expected));
  }
}

TEST_CASE("radix_select orders infinities, both zeros and denormals, and counts NaN of any sign above all") {
  const std::vector<float> x = {kNaN, 0.0f, -kInf, 1e-42f, -0.0f, kInf, -kNaN, -1e-42f};
  const std::vector<float> got = select(x, 1, {0, 8});
  const std::vector<float> ordered = {-kInf, -1e-42f, -0.0f, 0.0f, 1e-42f, kInf};
  CHECK(same_bits({got.begin(), got.begin() + 6}, ordered));
  CHECK(std::isnan(got[6]));
  CHECK(std::isnan(got[7]));
}

TEST_CASE("radix_select of no rows writes nothing") { CHECK(select({}, 0, {0, 1}).empty()); }

TEST_CASE("radix_select gives the same bits for any number of threads") {
  if (testing::on_cuda()) return;  // threads are the CPU's
  const std::vector<float> x = ref::row("wide", 20 * 77, 7);
  set_num_threads(1);
  const std::vector<float> one = select(x, 20, {30, 3});
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    CHECK(same_bits(select(x, 20, {30, 3}), one));
  }
  set_num_threads(2);
}

}  // namespace
}  // namespace assay::kernels
