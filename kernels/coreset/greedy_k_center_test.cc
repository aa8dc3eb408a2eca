// SPDX-License-Identifier: Apache-2.0
#include "kernels/coreset/greedy_k_center.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/coreset/center_distance.h"
#include "kernels/coreset/greedy_k_center_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::on_cuda;
using testing::Staging;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_points(int64_t points, int64_t dim, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0f, 1.0f);
  std::vector<float> x(points * dim);
  for (float& v : x) v = normal(generator);
  return x;
}

// Small whole numbers: distances are exact, so ties are real ties.
std::vector<float> whole_points(int64_t points, int64_t dim, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> x(points * dim);
  for (float& v : x) v = static_cast<float>(generator() % 6);
  return x;
}

struct Selection {
  std::vector<int64_t> selected;
  std::vector<float> radius2;
  bool operator==(const Selection& o) const { return selected == o.selected && radius2 == o.radius2; }
};

Selection select(const std::vector<float>& points, int64_t dim, int64_t count, int64_t start, int64_t offset = 1) {
  const int64_t num_points = static_cast<int64_t>(points.size()) / dim;
  GuardedBuffer<float> shifted(static_cast<int64_t>(points.size()), offset);  // 1: points at an odd address
  std::copy(points.begin(), points.end(), shifted.data());
  GuardedBuffer<int64_t> selected(count);
  GuardedBuffer<float> radius2(count);
  GuardedBuffer<char> workspace(greedy_k_center_workspace_bytes(num_points, dim, count, testing::test_backend()), 0);
  Staging s;
  run(greedy_k_center,
      GreedyKCenterArgs{s.in(shifted), s.out(selected), s.out(radius2), num_points, dim, count, start,
                        s.out(workspace)},
      s.stream());
  s.finish();
  CHECK(selected.guards_intact());
  CHECK(radius2.guards_intact());
  CHECK(workspace.guards_intact());
  CHECK(std::memcmp(points.data(), shifted.data(), points.size() * 4) == 0);
  return {selected.values(), radius2.values()};
}

// Every choice is farthest within the rounding of float32 distances, and every radius is that of its choice.
void check_greedy(const std::vector<float>& points, int64_t dim, const Selection& chosen, int64_t start) {
  const double rounding = static_cast<double>(dim + 2) * std::ldexp(1.0, -23);
  REQUIRE(chosen.selected[0] == start);
  const int64_t count = static_cast<int64_t>(chosen.selected.size());
  CHECK(static_cast<int64_t>(std::set<int64_t>(chosen.selected.begin(), chosen.selected.end()).size()) == count);
  ref::Cover cover(points, dim);
  for (int64_t i = 0; i < count; ++i) {
    cover.take(chosen.selected[i]);
    const double radius2 = std::max(0.0, cover.distance2(cover.farthest()));
    CHECK(std::abs(chosen.radius2[i] - radius2) <= rounding * radius2);
    if (i > 0) CHECK(chosen.radius2[i] <= chosen.radius2[i - 1]);
    if (i + 1 < count) CHECK(radius2 - cover.distance2(chosen.selected[i + 1]) <= 2 * rounding * radius2);
  }
}

TEST_CASE("greedy_k_center takes the farthest point each time, at every edge of vector and piece") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t num_points : {1, 2, 3, 4, 5, 7, 511, 512, 513}) {
      for (const int64_t dim : {1, 7, 8, 9, 15, 16, 17, 33}) {
        CAPTURE(num_points);
        CAPTURE(dim);
        const std::vector<float> points = random_points(num_points, dim, 1);
        const int64_t start = num_points / 2;
        check_greedy(points, dim, select(points, dim, std::min<int64_t>(num_points, 5), start), start);
      }
    }
  });
  const std::vector<float> points = random_points(1200, 20, 2);
  check_greedy(points, 20, select(points, 20, 60, 1199), 1199);
  // More than one wave of CUDA's blocks takes (660 of 32 points), the farthest among the rest.
  std::vector<float> many = random_points(21300, 3, 3);
  many[3 * 21299] = 50;
  many[3 * 21150] = -40;
  const Selection chosen = select(many, 3, 4, 0);
  CHECK(chosen.selected[1] == 21299);
  CHECK(chosen.selected[2] == 21150);
  check_greedy(many, 3, chosen, 0);
}

TEST_CASE("greedy_k_center breaks ties towards the lower index and never takes a point twice") {
  const int64_t dim = 2;
  const std::vector<float> points = whole_points(700, dim, 3);  // 36 different points: duplicates everywhere
  for_each_target([&](const char* target) {
    CAPTURE(target);
    for (const int64_t count : {1, 36, 50}) {
      CHECK(select(points, dim, count, 17).selected == ref::greedy_k_center(points, dim, count, 17));
    }
  });
  const Selection all = select(points, dim, 700, 0);
  CHECK(all.selected == ref::greedy_k_center(points, dim, 700, 0));
  CHECK(all.radius2[35] == 0.0f);
  CHECK(all.radius2[699] == 0.0f);
}

TEST_CASE("greedy_k_center is the same, bit for bit, for any number of threads") {
  if (on_cuda()) return;  // threads are the CPU's
  const std::vector<float> points = random_points(3000, 37, 4);
  for_each_target([&](const char* target) {
    CAPTURE(target);
    set_num_threads(1);
    const Selection one = select(points, 37, 20, 5);
    for (const int threads : {2, 5}) {
      set_num_threads(threads);
      CHECK(select(points, 37, 20, 5) == one);
    }
  });
  set_num_threads(2);
}

TEST_CASE("greedy_k_center is the same, bit for bit, for points at any address and whenever it runs again") {
  for (const int64_t dim : {4, 36, 37, 64}) {
    CAPTURE(dim);
    const std::vector<float> points = random_points(600, dim, 8);
    const Selection aligned = select(points, dim, 12, 5, /*offset=*/0);
    check_greedy(points, dim, aligned, 5);
    CHECK(select(points, dim, 12, 5, /*offset=*/1) == aligned);
    CHECK(select(points, dim, 12, 5, /*offset=*/0) == aligned);
  }
}

TEST_CASE("greedy_k_center takes points with a NaN last and points with an infinity first") {
  std::vector<float> points = random_points(20, 5, 6);
  points[4 * 5 + 1] = kNaN;
  points[9 * 5 + 4] = kNaN;
  points[12 * 5] = kInf;
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const Selection all = select(points, 5, 20, 0);
    CHECK(all.selected[1] == 12);
    CHECK(all.selected[18] == 4);
    CHECK(all.selected[19] == 9);
    CHECK(all.radius2[0] == kInf);
    CHECK(std::isfinite(all.radius2[1]));
  });
}

// Every step passes over all points: the same distances, in float32.
Selection textbook(const std::vector<float>& points, int64_t dim, int64_t count, int64_t start) {
  const int64_t num_points = static_cast<int64_t>(points.size()) / dim;
  std::vector<float> minimum(num_points, kInf);
  Selection out;
  for (int64_t center = start; static_cast<int64_t>(out.selected.size()) < count;) {
    out.selected.push_back(center);
    minimum[center] = -1;
    int64_t farthest = 0;
    for (int64_t i = 0; i < num_points; ++i) {
      float& m = minimum[i];
      if (m >= 0) m = lowered(m, center_distance2(points.data() + i * dim, points.data() + center * dim, dim));
      if (m > minimum[farthest]) farthest = i;
    }
    out.radius2.push_back(std::max(0.0f, minimum[farthest]));
    center = farthest;
  }
  return out;
}

// Points in `clusters` balls, the radius of each `spread`, some of them the same.
std::vector<float> clustered_points(int64_t points, int64_t dim, int64_t clusters, float spread, uint32_t seed) {
  std::vector<float> x = random_points(points, dim, seed);
  const std::vector<float> centers = random_points(clusters, dim, seed + 1);
  for (int64_t i = 0; i < points; ++i) {
    for (int64_t d = 0; d < dim; ++d) {
      x[i * dim + d] = centers[i * i % clusters * dim + d] + (i % 11 == 0 ? 0 : spread * x[i * dim + d]);
    }
  }
  return x;
}

TEST_CASE("greedy_k_center takes the textbook loop's points, bit for bit, though it skips most distances") {
  if (on_cuda()) return;  // CUDA has the textbook loop itself
  set_num_threads(1);     // many short steps: on a busy machine threads would wait for each other most of the time
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t dim : {20, 64, 115}) {
      CAPTURE(dim);
      const std::vector<float> noise = random_points(2300, dim, 11);
      CHECK(select(noise, dim, 120, 3) == textbook(noise, dim, 120, 3));
      for (const float spread : {1.0f, 1e-3f, 1e-7f}) {
        CAPTURE(spread);
        const std::vector<float> points = clustered_points(2300, dim, 37, spread, 12);
        CHECK(select(points, dim, 150, 2299) == textbook(points, dim, 150, 2299));
      }
    }
  });
  const std::vector<float> ties = whole_points(2500, 50, 13);
  CHECK(select(ties, 50, 300, 0) == textbook(ties, 50, 300, 0));
  const std::vector<float> few = clustered_points(2100, 48, 5, 0.0f, 14);  // five different points
  CHECK(select(few, 48, 2100, 9) == textbook(few, 48, 2100, 9));
  std::vector<float> all = clustered_points(2048, 52, 300, 0.3f, 15);
  CHECK(select(all, 52, 2048, 1000) == textbook(all, 52, 2048, 1000));
  for (const float scale : {1e14f, 1e16f, 1e19f, 1e-12f, 1e-20f, 1e-25f}) {
    CAPTURE(scale);
    std::vector<float> points = clustered_points(2100, 52, 50, 0.3f, 16);
    for (float& v : points) v *= scale;
    CHECK(select(points, 52, 100, 0) == textbook(points, 52, 100, 0));
    for (int64_t i = 0; i < 1000 * 52; ++i) points[i] /= scale;  // both lengths in one set
    CHECK(select(points, 52, 100, 0) == textbook(points, 52, 100, 0));
  }
  for (float& v : all) v += 1000.0f;  // bounds rule out little
  CHECK(select(all, 52, 300, 0) == textbook(all, 52, 300, 0));
  all[77 * 52] = kNaN;
  all[1500 * 52 + 3] = kInf;
  CHECK(select(all, 52, 300, 0) == textbook(all, 52, 300, 0));
  CHECK(select(all, 52, 30, 77) == textbook(all, 52, 30, 77));
  set_num_threads(2);
  const std::vector<float> many = clustered_points(9000, 64, 300, 0.3f, 17);
  CHECK(select(many, 64, 40, 1000) == textbook(many, 64, 40, 1000));
}

TEST_CASE("greedy_k_center of no points asked for writes nothing") {
  CHECK(select(random_points(3, 2, 7), 2, 0, 1).selected.empty());
}

}  // namespace
}  // namespace assay::kernels
