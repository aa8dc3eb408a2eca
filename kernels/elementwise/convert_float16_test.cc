// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/convert_float16.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/elementwise/convert_float16_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::for_each_target;
using testing::GuardedBuffer;
using testing::Staging;

// Whether the arrays start at a 64-byte boundary or one element past it: wide accesses want the former.
enum class Place { kAligned, kOdd };

template <class Out, class In, class Convert>
std::vector<Out> converted(const std::vector<In>& x, Place place, const Convert& convert) {
  const int64_t offset = place == Place::kAligned ? 0 : 1;
  GuardedBuffer<In> in(static_cast<int64_t>(x.size()), offset);
  std::copy(x.begin(), x.end(), in.data());
  GuardedBuffer<Out> y(in.size(), offset);
  Staging staging;
  convert(staging.in(in), staging.out(y), in.size(), staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  return y.values();
}

std::vector<uint16_t> to_half(const std::vector<float>& x, Place place = Place::kOdd,
                              float ceiling = std::numeric_limits<float>::infinity()) {
  return converted<uint16_t>(x, place, [&](const float* in, uint16_t* y, int64_t count, const StreamHandle& stream) {
    run(to_float16, ToFloat16Args{in, y, count, ceiling}, stream);
  });
}

std::vector<float> to_float(const std::vector<uint16_t>& x, Place place = Place::kOdd) {
  return converted<float>(x, place, [](const uint16_t* in, float* y, int64_t count, const StreamHandle& stream) {
    run(from_float16, FromFloat16Args{in, y, count}, stream);
  });
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

bool is_nan(uint16_t half) { return (half & 0x7fff) > 0x7c00; }

std::vector<uint16_t> all_halves() {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  return all;
}

TEST_CASE("from_float16 is exact for each of the 65536 halves, and to_float16 leads back") {
  const std::vector<uint16_t> halves = all_halves();
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const std::vector<float> floats = to_float(halves);
    const std::vector<uint16_t> back = to_half(floats);
    for (size_t i = 0; i < halves.size(); ++i) {
      if (is_nan(halves[i])) {
        const uint32_t quiet = (halves[i] & 0x8000u) << 16 | 0x7fc00000u | (halves[i] & 0x3ffu) << 13;
        REQUIRE(bits_of(floats[i]) == quiet);
        REQUIRE(back[i] == (halves[i] | 0x200));
      } else {
        REQUIRE(bits_of(floats[i]) == bits_of(static_cast<float>(ref::value_of_float16(halves[i]))));
        REQUIRE(back[i] == halves[i]);
      }
    }
  });
}

TEST_CASE("to_float16 rounds to nearest, ties to even, around every half and halfway between any two") {
  std::vector<float> x;
  for (uint32_t half = 0; half <= 0x7c00; ++half) {
    const double low = half == 0x7c00 ? 65536 : ref::value_of_float16(static_cast<uint16_t>(half));
    const double high = half >= 0x7bff ? 65536 : ref::value_of_float16(static_cast<uint16_t>(half + 1));
    for (const double middle : {low, (low + high) / 2}) {
      const float f = static_cast<float>(middle);
      for (const float near : {f, std::nextafter(f, -1.0f), std::nextafter(f, 1e9f)}) {
        x.push_back(near);
        x.push_back(-near);
      }
    }
  }
  std::mt19937 generator(1);
  for (int i = 0; i < 100000; ++i) {
    const float f = float_of_bits(static_cast<uint32_t>(generator()));
    if (!std::isnan(f)) x.push_back(f);
  }
  for (const float f : {65519.996f, 65520.0f, 3.4e38f, std::numeric_limits<float>::infinity(), 1e-45f, 0x1p-25f}) {
    x.push_back(f);
    x.push_back(-f);
  }
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const std::vector<uint16_t> y = to_half(x);
    for (size_t i = 0; i < x.size(); ++i) {
      CAPTURE(x[i]);
      REQUIRE(y[i] == ref::nearest_float16(x[i]));
    }
  });
}

TEST_CASE("to_float16 keeps a NaN a NaN, quiet, with its sign") {
  const std::vector<float> x = {float_of_bits(0x7fc00000), float_of_bits(0xffc02000), float_of_bits(0x7f800001),
                                float_of_bits(0xff812345)};
  for_each_target([&](const char* target) {
    CAPTURE(target);
    CHECK(to_half(x) == std::vector<uint16_t>{0x7e00, 0xfe01, 0x7e00, 0xfe09});
  });
}

TEST_CASE("to_float16 with a ceiling keeps numbers below it, and a NaN") {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1e9f, infinity, 65504, 65520, 65503, -1e9f, -infinity, 0, float_of_bits(0xff812345)};
  for_each_target([&](const char* target) {
    CAPTURE(target);
    for (const Place place : {Place::kOdd, Place::kAligned}) {
      CHECK(to_half(x, place, 65504) ==
            std::vector<uint16_t>{0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff, 0xfc00, 0xfc00, 0, 0xfe09});
    }
    CHECK(to_half({3, 2, 1}, Place::kOdd, 2) == std::vector<uint16_t>{0x4000, 0x4000, 0x3c00});
  });
}

TEST_CASE("convert_float16 handles every length around a vector and a piece, and nothing at all") {
  std::mt19937 generator(2);
  for_each_target([&](const char* target) {
    CAPTURE(target);
    for (const int64_t count : {0, 1, 7, 8, 9, 15, 16, 17, 31, 65535, 65536, 65537}) {
      std::vector<float> x(count);
      for (float& v : x) v = static_cast<float>(generator() % 4097) - 2048.0f;  // exact in binary16
      CHECK(to_float(to_half(x)) == x);
      CHECK(to_float(to_half(x, Place::kAligned), Place::kAligned) == x);
    }
  });
}

}  // namespace
}  // namespace assay::kernels
