// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize/nearest_resize.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "kernels/resize/nearest_resize_ref.h"
#include "kernels/resize/resize_golden.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/guarded_bytes.h"
#include "tests/support/sparse_array.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::GuardedBytes;
using testing::Staging;

std::vector<uint8_t> resized(const std::vector<uint8_t>& x, int64_t stride, int64_t height, int64_t width,
                             int64_t out_height, int64_t out_width, int64_t batch = 1) {
  GuardedBytes y(batch * out_height * out_width);
  GuardedBuffer<int64_t> positions(out_height + out_width);
  Staging staging;
  run(nearest_resize,
      {staging.in(x), staging.out(y), staging.out(positions), height, width, stride, out_height, out_width, batch},
      staging.stream());
  staging.finish();
  CHECK(positions.guards_intact());
  CHECK(y.guards_intact());
  return y.values();
}

TEST_CASE("nearest_resize equals Pillow bit for bit") {
  const std::vector<ResizeGolden> cases = read_resize_golden("nearest");
  REQUIRE(cases.size() > 50);
  for (const ResizeGolden& g : cases) {
    INFO(g.height, "x", g.width, " to ", g.out_height, "x", g.out_width);
    const std::vector<uint8_t> x = golden_noise(g.height * g.width);
    CHECK(fnv1a(resized(x, g.width, g.height, g.width, g.out_height, g.out_width)) == g.checksum);
  }
}

TEST_CASE("nearest_resize copies the pixel under each output's centre, from padded rows too") {
  std::mt19937 random(3);
  const auto side = [&] { return static_cast<int64_t>(1 + random() % 60); };
  for (int i = 0; i < 200; ++i) {
    const int64_t height = side(), width = side(), out_height = side(), out_width = side(), stride = width + i % 3;
    INFO(height, "x", width, " to ", out_height, "x", out_width, ", stride ", stride);
    std::vector<uint8_t> x(height * stride);
    for (uint8_t& v : x) v = static_cast<uint8_t>(random());
    const std::vector<uint8_t> y = resized(x, stride, height, width, out_height, out_width);
    for (int64_t row = 0; row < out_height; ++row) {
      for (int64_t column = 0; column < out_width; ++column) {
        if (nearest_is_tie_ref(height, out_height, row) || nearest_is_tie_ref(width, out_width, column)) continue;
        const int64_t h = nearest_pixel_ref(height, out_height, row), w = nearest_pixel_ref(width, out_width, column);
        REQUIRE(y[row * out_width + column] == x[h * stride + w]);
      }
    }
  }
}

TEST_CASE("nearest_resize treats each mask of a batch as it does one") {
  const int64_t stride = 11;
  std::vector<uint8_t> x(3 * 5 * stride);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(37 * i);
  std::vector<uint8_t> expected;
  for (int64_t b = 0; b < 3; ++b) {
    const auto begin = x.begin() + b * 5 * stride;
    const std::vector<uint8_t> y = resized({begin, begin + 5 * stride}, stride, 5, 8, 7, 13);
    expected.insert(expected.end(), y.begin(), y.end());
  }
  CHECK(resized(x, stride, 5, 8, 7, 13, 3) == expected);
  CHECK(resized(x, stride, 5, 8, 7, 13, 0).empty());
}

TEST_CASE("nearest_resize reaches rows and masks beyond byte 2^31") {
  const int64_t stride = (int64_t{1} << 29) + 5;
  std::vector<uint8_t> x(2 * 5 * 8);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<uint8_t>(37 * i);
  testing::SparseArray<uint8_t> far(9 * stride + 8);
  for (int64_t row = 0; row < 10; ++row) far.put(row * stride, {x.begin() + row * 8, x.begin() + row * 8 + 8});
  GuardedBytes y(2 * 7 * 13);
  GuardedBuffer<int64_t> positions(7 + 13);
  Staging staging;
  run(nearest_resize, {far.data(), staging.out(y), staging.out(positions), 5, 8, stride, 7, 13, 2}, staging.stream());
  staging.finish();
  CHECK(y.values() == resized(x, 8, 5, 8, 7, 13, 2));
}

TEST_CASE("nearest_resize stays inside the image for long sides") {
  const std::vector<uint8_t> x = {1, 2, 3};
  const std::vector<uint8_t> y = resized(x, 3, 1, 3, 1, 1000003);
  CHECK(y.front() == 1);
  CHECK(y.back() == 3);
}

}  // namespace
}  // namespace assay::kernels
