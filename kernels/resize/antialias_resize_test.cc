// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize/antialias_resize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/resize/antialias_resize_ref.h"
#include "kernels/resize/resize_golden.h"
#include "kernels/resize/resize_workspace.h"
#include "kernels/resize/triangle_taps.h"
#include "tests/support/guarded_bytes.h"
#include "tests/support/sparse_array.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::GuardedBytes;
using testing::Staging;

struct Sizes {
  int64_t height, width, out_height, out_width, channels;
  int64_t batch = 1;
};

// What may differ between runs of a case without a difference in the result.
struct Places {
  uint8_t fill = 0xa5;
  int64_t guard = 131;   // of y: 128 aligns it
  int64_t x_offset = 0;  // bytes of x before the image
};
constexpr Places kAligned = {0x5a, 128, 0};

// The resized image; checks that nothing outside the output and the workspace is written.
std::vector<uint8_t> resized(const std::vector<uint8_t>& x, int64_t x_stride, const Sizes& s, const Places& at = {}) {
  GuardedBytes y(s.batch * s.out_height * s.out_width * s.channels, at.fill, at.guard);
  AntialiasResizeArgs args = {nullptr,    nullptr,  nullptr,      s.height,    s.width,
                              s.channels, x_stride, s.out_height, s.out_width, s.batch};
  GuardedBytes workspace(static_cast<int64_t>(antialias_resize_workspace_bytes(args, testing::test_backend())),
                         at.fill);
  Staging staging;
  args.x = staging.in(x) + at.x_offset;
  args.y = staging.out(y);
  args.workspace = staging.out(workspace);
  run(antialias_resize, args, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK(workspace.guards_intact());
  return y.values();
}

// Largest distance from the reference, as a share of what is allowed.
void check_against_reference(const Sizes& s, int64_t row_padding, std::mt19937& random) {
  INFO(s.height, "x", s.width, "x", s.channels, " to ", s.out_height, "x", s.out_width, ", padding ", row_padding);
  const int64_t stride = s.width * s.channels + row_padding;
  std::vector<uint8_t> x(s.height * stride - row_padding);  // the last row ends with its last pixel
  for (uint8_t& v : x) v = random() % 4 == 0 ? 255 : static_cast<uint8_t>(random());
  const std::vector<uint8_t> before = x;
  const std::vector<uint8_t> y = resized(x, stride, s);
  CHECK(x == before);
  CHECK(y == resized(x, stride, s, kAligned));
  const AntialiasResizeArgs args = {x.data(),   nullptr, nullptr,      s.height,   s.width,
                                    s.channels, stride,  s.out_height, s.out_width};
  const std::vector<double> expected = antialias_resize_ref(args);
  REQUIRE(y.size() == expected.size());
  const double tolerance = antialias_resize_tolerance(args);
  for (size_t i = 0; i < y.size(); ++i) {
    INFO("output byte ", i, " is ", static_cast<int>(y[i]), ", expected ", expected[i]);
    REQUIRE(std::fabs(y[i] - expected[i]) <= tolerance);
  }
}

TEST_CASE("antialias_resize equals Pillow bit for bit on every instruction set") {
  const std::vector<ResizeGolden> cases = read_resize_golden("bilinear");
  REQUIRE(cases.size() > 100);
  testing::for_each_target([&](const char* target) {
    for (const ResizeGolden& g : cases) {
      INFO(target, ": ", g.height, "x", g.width, "x", g.channels, " to ", g.out_height, "x", g.out_width);
      const std::vector<uint8_t> x = golden_noise(g.height * g.width * g.channels);
      const Sizes sizes = {g.height, g.width, g.out_height, g.out_width, g.channels};
      CHECK(fnv1a(resized(x, g.width * g.channels, sizes)) == g.checksum);
    }
  });
}

TEST_CASE("antialias_resize follows its equation for sides around the vector widths and for padded rows") {
  std::mt19937 random(7);
  for (const int64_t channels : {1, 3}) {
    for (const int64_t side : {1, 2, 15, 16, 17, 31, 33, 64}) {
      for (const int64_t out : {1, 3, 16, 21, 63}) {
        check_against_reference({side, 65 - side, out, 64 - out, channels}, (side + out) % 5, random);
      }
    }
  }
}

TEST_CASE("antialias_resize follows its equation for random sizes") {
  std::mt19937 random(11);
  const auto side = [&] { return static_cast<int64_t>(1 + random() % 70); };
  for (int i = 0; i < 100; ++i) {
    const int64_t channels = random() % 2 == 0 ? 1 : 3;
    check_against_reference({side(), side(), side(), side(), channels}, static_cast<int64_t>(random() % 4), random);
  }
}

TEST_CASE("antialias_resize treats each image of a batch as it does one") {
  std::mt19937 random(5);
  for (const Sizes& one : {Sizes{9, 20, 17, 8, 3}, Sizes{9, 20, 9, 8, 1}, Sizes{9, 20, 4, 20, 3},
                           Sizes{9, 20, 9, 20, 3}, Sizes{6, 16, 3, 16, 1}}) {
    for (const int64_t padding : {0, 4, 5}) {
      const int64_t stride = one.width * one.channels + padding;
      std::vector<uint8_t> x(3 * one.height * stride);
      for (uint8_t& v : x) v = static_cast<uint8_t>(random());
      std::vector<uint8_t> expected;
      for (int64_t b = 0; b < 3; ++b) {
        const auto begin = x.begin() + b * one.height * stride;
        const std::vector<uint8_t> y = resized({begin, begin + one.height * stride}, stride, one);
        expected.insert(expected.end(), y.begin(), y.end());
      }
      Sizes batch = one;
      batch.batch = 3;
      CHECK(resized(x, stride, batch) == expected);
      CHECK(resized(x, stride, batch, kAligned) == expected);
      std::vector<uint8_t> late = {0};  // x alone is aligned to nothing
      late.insert(late.end(), x.begin(), x.end());
      CHECK(resized(late, stride, batch, {0x5a, 128, 1}) == expected);
      batch.batch = 0;
      CHECK(resized(x, stride, batch).empty());
    }
  }
}

// Whether the kernel's taps are those of the host, one whose weight is zero included: a fused product finds another
// such tap at a triangle's edge.
bool same_taps(const TriangleTaps& found, int64_t in, int64_t out) {
  std::vector<int32_t> weights(out * found.stride), first(out), num_taps(out);
  compute_triangle_taps(in, out, {found.stride, weights.data(), first.data(), num_taps.data()});
  for (int64_t i = 0; i < out; ++i) {
    if (found.first[i] != first[i] || found.num_taps[i] != num_taps[i]) return false;
    const int32_t *a = found.weights + i * found.stride, *b = weights.data() + i * found.stride;
    if (!std::equal(a, a + num_taps[i], b)) return false;
  }
  return true;
}

TEST_CASE("antialias_resize's taps are the same to the bit on every backend") {
  for (int64_t in = 1; in <= 45; ++in) {
    for (const int64_t out : {1, 6, 7, 9, 15, 21, 27, 46, 57, 63}) {
      if (in == out) continue;  // nothing is computed
      CAPTURE(in);
      CAPTURE(out);
      const std::vector<uint8_t> x(in * out, 1);
      AntialiasResizeArgs args = {nullptr, nullptr, nullptr, in, out, 1, out, out, in};
      GuardedBytes y(in * out);
      GuardedBytes workspace(static_cast<int64_t>(antialias_resize_workspace_bytes(args, testing::test_backend())));
      Staging staging;
      args.x = staging.in(x);
      args.y = staging.out(y);
      args.workspace = staging.out(workspace);
      run(antialias_resize, args, staging.stream());
      staging.finish();
      WorkspacePieces pieces(workspace.data());
      const ResizeWorkspace found(args, 1, pieces);
      CHECK(same_taps(found.rows, in, out));
      CHECK(same_taps(found.columns, out, in));
    }
  }
}

TEST_CASE("antialias_resize reaches rows and images beyond byte 2^31") {
  std::mt19937 random(13);
  // Copied, narrowed, and lowered by bytes and by words.
  for (const Sizes& s : {Sizes{5, 8, 5, 8, 1, 2}, Sizes{5, 8, 5, 6, 1, 2}, Sizes{5, 8, 3, 8, 1, 2}}) {
    for (const int64_t odd : {0, 1}) {
      CAPTURE(s.out_height);
      CAPTURE(s.out_width);
      CAPTURE(odd);
      const int64_t stride = (int64_t{1} << 29) + 64 + odd;
      std::vector<uint8_t> x(2 * 5 * 8);
      for (uint8_t& v : x) v = static_cast<uint8_t>(random());
      testing::SparseArray<uint8_t> far(9 * stride + 8);
      for (int64_t row = 0; row < 10; ++row) far.put(row * stride, {x.begin() + row * 8, x.begin() + row * 8 + 8});
      GuardedBytes y(2 * s.out_height * s.out_width, 0xa5, 128);
      AntialiasResizeArgs args = {far.data(), nullptr, nullptr,      s.height,    s.width,
                                  s.channels, stride,  s.out_height, s.out_width, s.batch};
      GuardedBytes workspace(static_cast<int64_t>(antialias_resize_workspace_bytes(args, testing::test_backend())));
      Staging staging;
      args.y = staging.out(y);
      args.workspace = staging.out(workspace);
      run(antialias_resize, args, staging.stream());
      staging.finish();
      CHECK(y.values() == resized(x, 8, s));
    }
  }
}

TEST_CASE("antialias_resize leaves a flat image flat, black and white included") {
  for (const int value : {0, 1, 128, 255}) {
    const Sizes sizes = {1000, 2, 3, 5, 3};
    const std::vector<uint8_t> x(sizes.height * sizes.width * 3, static_cast<uint8_t>(value));
    CHECK(resized(x, sizes.width * 3, sizes) == std::vector<uint8_t>(3 * 5 * 3, static_cast<uint8_t>(value)));
  }
}

TEST_CASE("antialias_resize keeps its sums within 32 bits for the longest side") {
  const Sizes sizes = {1, kMaxResizeSide, 1, 1, 1};
  CHECK(resized(std::vector<uint8_t>(kMaxResizeSide, 255), kMaxResizeSide, sizes).at(0) >= 223);
}

}  // namespace
}  // namespace assay::kernels
