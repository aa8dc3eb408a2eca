// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/convert_bfloat16.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/elementwise/convert_bfloat16_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

// offset: how far the output, and the input where `shift`, stand from a boundary of vectors.
std::vector<uint16_t> narrow(const std::vector<float>& x, int64_t offset = 0, int64_t shift = 0) {
  GuardedBuffer<uint16_t> y(static_cast<int64_t>(x.size()) - shift, offset);
  Staging staging;
  run(to_bfloat16, ToBfloat16Args{staging.in(x) + shift, staging.out(y), y.size()}, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  return y.values();
}

std::vector<float> widen(const std::vector<uint16_t>& x, int64_t offset = 0) {
  GuardedBuffer<float> y(static_cast<int64_t>(x.size()), offset);
  Staging staging;
  run(from_bfloat16, FromBfloat16Args{staging.in(x), staging.out(y), y.size()}, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  return y.values();
}

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}

float float_of_bits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

TEST_CASE("from_bfloat16 is exact for each of the 65536 values, and to_bfloat16 leads back") {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  const std::vector<float> floats = widen(all);
  const std::vector<uint16_t> back = narrow(floats);
  for (size_t i = 0; i < all.size(); ++i) {
    if ((i & 0x7fff) > 0x7f80) {
      REQUIRE(std::isnan(floats[i]));
      REQUIRE(back[i] == (all[i] | 0x40));
    } else {
      REQUIRE(bits_of(floats[i]) == bits_of(static_cast<float>(ref::value_of_bfloat16(all[i]))));
      REQUIRE(back[i] == all[i]);
    }
  }
}

TEST_CASE("to_bfloat16 rounds to nearest, ties to even, around every value and halfway between any two") {
  std::vector<float> x;
  for (uint32_t i = 0; i < 0x7f80; ++i) {
    for (const uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      x.push_back(float_of_bits(i << 16 | low));
      x.push_back(-x.back());
    }
  }
  x.push_back(INFINITY);
  x.push_back(-INFINITY);
  const std::vector<uint16_t> y = narrow(x);
  for (size_t i = 0; i < x.size(); ++i) {
    CAPTURE(x[i]);
    REQUIRE(y[i] == ref::nearest_bfloat16(x[i]));
  }
}

TEST_CASE("to_bfloat16 keeps a NaN a NaN, quiet, with its sign, even where its payload is cut off") {
  const std::vector<float> x = {float_of_bits(0x7fc00000), float_of_bits(0xff800001), float_of_bits(0x7fffffff),
                                float_of_bits(0xffa50000)};
  CHECK(narrow(x) == std::vector<uint16_t>{0x7fc0, 0xffc0, 0x7fff, 0xffe5});
}

TEST_CASE("convert_bfloat16 handles every length around a vector and a piece, aligned or not, and nothing at all") {
  std::mt19937 generator(2);
  for (const int64_t offset : {0, 1}) {
    for (const int64_t count : {0, 1, 3, 4, 5, 31, 1023, 1024, 1025, 65535, 65537}) {
      std::vector<float> x(count);
      for (float& v : x) v = static_cast<float>(generator() % 257) - 128.0f;  // exact in bfloat16
      CHECK(widen(narrow(x, offset), offset) == x);
      if (count > 1) CHECK(widen(narrow(x, 0, 1)) == std::vector<float>(x.begin() + 1, x.end()));
    }
  }
}

}  // namespace
}  // namespace assay::kernels
