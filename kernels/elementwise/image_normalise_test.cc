// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/image_normalise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/elementwise/image_normalise_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

struct Scale {
  float mean[3], deviation[3];
};

const Scale kImageNet = {{123.675f, 116.28f, 103.53f}, {58.395f, 57.12f, 57.375f}};

// `x_offset` and `y_offset` move the arrays off the alignment that wide accesses want.
std::vector<float> normalised(const std::vector<uint8_t>& x, const Scale& s, int64_t x_offset, int64_t y_offset) {
  GuardedBuffer<uint8_t> in(static_cast<int64_t>(x.size()), x_offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<float> y(in.size(), y_offset);
  Staging staging;
  run(image_normalise,
      {staging.in(in),
       staging.out(y),
       in.size() / 3,
       {s.mean[0], s.mean[1], s.mean[2]},
       {s.deviation[0], s.deviation[1], s.deviation[2]}},
      staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  CHECK(in.values() == x);
  return y.values();
}

TEST_CASE("image_normalise gives each level of each channel, rounded twice, the same bits everywhere") {
  std::vector<uint8_t> x;
  for (int level = 0; level < 256; ++level) x.insert(x.end(), {uint8_t(level), uint8_t(level), uint8_t(255 - level)});
  const Scale lite0 = {{127, 127, 127}, {128, 128, 128}};
  const Scale mixed = {{0, -3.5f, 300}, {-2, 0.001f, 7}};
  for (const Scale& s : {kImageNet, lite0, mixed}) {
    const std::vector<float> y = normalised(x, s, 0, 0);
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t c = i % 3;
      const double expected = image_normalise_ref(x[i], s.mean[c], s.deviation[c]);
      // The difference is rounded to 2^-24 of itself, the quotient again.
      REQUIRE(std::fabs(y[i] - expected) <= (2 * 0x1p-24 + 0x1p-48) * std::fabs(expected));
      // What each backend is to give, bit for bit. The volatile keeps the compiler from anything cleverer.
      const volatile float difference = static_cast<float>(x[i]) - s.mean[c];
      REQUIRE(y[i] == difference / s.deviation[c]);
    }
  }
}

TEST_CASE("image_normalise handles every length around a group and a piece, aligned or not, and nothing at all") {
  std::mt19937 engine(3);
  for (const int64_t pixels : {0, 1, 3, 4, 5, 7, 8, 1023, 1024, 1025, 16384, 16389}) {
    std::vector<uint8_t> x(3 * pixels);
    for (uint8_t& v : x) v = static_cast<uint8_t>(engine());
    const std::vector<float> y = normalised(x, kImageNet, 0, 0);
    for (int64_t i = 0; i < 3 * pixels; ++i) {
      REQUIRE(std::fabs(y[i] - image_normalise_ref(x[i], kImageNet.mean[i % 3], kImageNet.deviation[i % 3])) <= 1e-6);
    }
    CHECK(normalised(x, kImageNet, 1, 0) == y);
    CHECK(normalised(x, kImageNet, 0, 1) == y);
    CHECK(normalised(x, kImageNet, 3, 3) == y);
  }
}

}  // namespace
}  // namespace assay::kernels
