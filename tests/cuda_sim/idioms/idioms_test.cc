// SPDX-License-Identifier: Apache-2.0
// What nvcc makes of ordinary CUDA gives what the host works out.
#include "tests/cuda_sim/idioms/idioms.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim/idioms/device_array.h"

namespace assay::cuda_sim::idioms {
namespace {

template <class T>
std::vector<T> random_integers(int n, int64_t low, int64_t high) {
  std::mt19937_64 random(5);
  std::uniform_int_distribution<int64_t> pick(low, high);
  std::vector<T> values(n);
  for (T& value : values) value = static_cast<T>(pick(random));
  return values;
}

TEST_CASE("half and bfloat16 arithmetic rounds once") {
  // Multiples of 1/4 below 8: sums, products and their sums are exact in float, so that only the final rounding counts.
  const std::vector<int> raw = random_integers<int>(2 * kBlock, -31, 31);
  std::vector<float> a(kBlock), b(kBlock);
  for (int i = 0; i < kBlock; ++i) {
    a[i] = raw[i] / 4.0f;
    b[i] = raw[kBlock + i] / 4.0f;
  }
  DeviceArray<float> device_a(a), device_b(b);
  // To `digits` significant bits, ties to even.
  auto rounded = [](float x, int digits) {
    const int exponent = x == 0 ? 0 : std::ilogb(x);
    const float unit = std::ldexp(1.0f, exponent - digits + 1);
    return std::nearbyint(x / unit) * unit;
  };
  for (int digits : {11, 8}) {
    DeviceArray<float> device_result(kBlock * kHalfResults);
    (digits == 11 ? half_arithmetic : bfloat16_arithmetic)(device_a.get(), device_b.get(), device_result.get(), kBlock);
    const std::vector<float> result = device_result.values();
    for (int i = 0; i < kBlock; ++i) {
      const float expected[kHalfResults] = {rounded(a[i] + b[i], digits),
                                            rounded(a[i] - b[i], digits),
                                            rounded(a[i] * b[i], digits),
                                            rounded(b[i] * a[i] + b[i], digits),
                                            std::min(a[i], b[i]),
                                            std::max(a[i], b[i]),
                                            -a[i],
                                            std::trunc(a[i])};
      for (int k = 0; k < kHalfResults; ++k) {
        INFO(digits << " bits, operation " << k << " of " << a[i] << " and " << b[i]);
        CHECK(result[i * kHalfResults + k] == expected[k]);
      }
    }
  }
}

TEST_CASE("CUB's block primitives") {
  const std::vector<int> items = random_integers<int>(4 * kBlock, -1000, 1000);
  DeviceArray<int> device_items(items), sum(1), exclusive(items.size());
  cub_block_sum(device_items.get(), sum.get());
  CHECK(sum.values()[0] == std::accumulate(items.begin(), items.end(), 0));
  cub_block_scan(device_items.get(), exclusive.get());
  std::vector<int> expected(items.size());
  std::partial_sum(items.begin(), items.end() - 1, expected.begin() + 1);
  CHECK(exclusive.values() == expected);

  std::vector<float> keys(items.begin(), items.end());
  for (float& key : keys) key *= 0.37f;
  DeviceArray<float> device_keys(keys), sorted(keys.size());
  cub_block_sort(device_keys.get(), sorted.get());
  std::sort(keys.begin(), keys.end());
  CHECK(sorted.values() == keys);
}

TEST_CASE("shared memory, static and dynamic") {
  std::vector<float> x(100);
  std::iota(x.begin(), x.end(), 0.0f);
  DeviceArray<float> device_x(x), reversed(x.size());
  dynamic_and_static_shared(device_x.get(), reversed.get(), 100);
  std::reverse(x.begin(), x.end());
  CHECK(reversed.values() == x);
}

TEST_CASE("switch") {
  DeviceArray<int> result(kBlock);
  switch_on_thread(result.get(), kBlock);
  const std::vector<int> values = result.values();
  for (int i = 0; i < kBlock; ++i) {
    const int table[] = {i * 3, i - 100, i ^ 0x55, i * i + 1000, i + 1000, -i, i << 3, 0, 7};
    CHECK(values[i] == table[i % 9]);
  }
}

TEST_CASE("virtual functions, function pointers and recursion") {
  const std::vector<int> x = random_integers<int>(kBlock, 0, 100);
  DeviceArray<int> device_x(x), result(kBlock);
  virtual_and_function_pointers(device_x.get(), result.get(), kBlock);
  const std::vector<int> values = result.values();
  for (int i = 0; i < kBlock; ++i) {
    const int size = x[i] % 3 == 0 ? x[i] * x[i] : x[i] + 1;
    CHECK(values[i] == (x[i] & 1 ? -size : 2 * size));
  }
  DeviceArray<int> numbers(12);
  recursion(numbers.get(), 12);
  CHECK(numbers.values() == std::vector<int>{0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89});
}

TEST_CASE("local memory") {
  const std::vector<int> x = random_integers<int>(kBlock, 0, 1000);
  DeviceArray<int> device_x(x), result(kBlock);
  local_array(device_x.get(), result.get(), kBlock);
  const std::vector<int> values = result.values();
  for (int i = 0; i < kBlock; ++i) CHECK(values[i] == x[(i & ~7) + (((i & 7) - (x[i] & 7)) & 7)]);
}

TEST_CASE("constant and device variables") {
  const float constants[] = {10, 20, 30, 40};
  set_constants(constants);
  const int before = read_counter();
  DeviceArray<float> result(100);
  constant_and_device_variables(result.get(), 100);
  const std::vector<float> values = result.values();
  for (int i = 0; i < 100; ++i) CHECK(values[i] == constants[i % 4] + (i % 2 ? 0.5f : 0.25f) + 0.5f);
  CHECK(read_counter() == before + 100);
}

TEST_CASE("a large argument by value") {
  Large argument;
  std::iota(argument.values, argument.values + 20, 1.0f);
  argument.shift = -7;
  DeviceArray<float> result(kBlock);
  large_argument(argument, result.get(), kBlock);
  const std::vector<float> values = result.values();
  for (int i = 0; i < kBlock; ++i) CHECK(values[i] == i % 20 + 1 - 7);
}

TEST_CASE("64-bit integers") {
  const std::vector<int64_t> a = random_integers<int64_t>(kBlock, INT64_MIN, INT64_MAX);
  std::vector<int64_t> b = random_integers<int64_t>(2 * kBlock, INT64_MIN, INT64_MAX);
  b.erase(b.begin(), b.begin() + kBlock);
  for (int i = 0; i < kBlock; i += 2) b[i] >>= 40;  // small divisors take another way
  DeviceArray<int64_t> device_a(a), device_b(b), result(kBlock * 10);
  integers(device_a.get(), device_b.get(), result.get(), kBlock);
  const std::vector<int64_t> values = result.values();
  for (int i = 0; i < kBlock; ++i) {
    const int64_t x = a[i], y = b[i];
    const uint64_t ux = static_cast<uint64_t>(x), uy = static_cast<uint64_t>(y);
    const uint32_t x32 = static_cast<uint32_t>(x), y32 = static_cast<uint32_t>(y);
    const int64_t* found = &values[i * 10];
    INFO("x = " << x << ", y = " << y);
    CHECK(found[0] == x / y);
    CHECK(found[1] == x % y);
    CHECK(static_cast<uint64_t>(found[2]) == ux / uy);
    CHECK(found[3] == static_cast<int64_t>(static_cast<__int128>(x) * y >> 64));
    CHECK(found[4] == __builtin_popcountll(ux) + (x ? __builtin_clzll(ux) : 64) + __builtin_ffsll(y));
    CHECK(found[5] == static_cast<int32_t>(x) / static_cast<int32_t>(y | 1));
    const uint32_t bytes = (x32 & 255) | (y32 & 255) << 8 | (x32 >> 16 & 255) << 16 | (y32 >> 16 & 255) << 24;
    CHECK(found[6] == bytes);
    CHECK(found[7] == static_cast<uint32_t>(y32 << 11 | x32 >> 21));
    // Beyond 2^63 the conversion saturates on a GPU and is undefined on the host.
    if (std::fabs(static_cast<double>(x)) < 9.2e18 && std::fabs(static_cast<double>(y)) < 9.2e18) {
      const uint64_t sum = static_cast<uint64_t>(static_cast<int64_t>(static_cast<double>(x))) +
                           static_cast<uint64_t>(static_cast<int64_t>(static_cast<float>(y)));
      CHECK(static_cast<uint64_t>(found[8]) == sum);
    }
    CHECK(found[9] == static_cast<int8_t>(x) * static_cast<uint16_t>(y) + (x >> (y & 63)));
  }
}

TEST_CASE("warp sums") {
  std::vector<float> x(kBlock);
  std::iota(x.begin(), x.end(), 0.0f);
  DeviceArray<float> device_x(x), result(kBlock);
  warp_sums(device_x.get(), result.get(), kBlock);
  const std::vector<float> values = result.values();
  for (int i = 0; i < kBlock; ++i) {
    const int first = i / 32 * 32;
    CHECK(values[i] == std::accumulate(x.begin() + first, x.begin() + first + 32, 0.0f));
  }
}

TEST_CASE("a histogram with atomics in shared and global memory") {
  const std::vector<int> x = random_integers<int>(5000, 0, 36);
  DeviceArray<int> device_x(x), counts(37);
  histogram(device_x.get(), counts.get(), 5000, 37);
  std::vector<int> expected(37);
  for (int value : x) ++expected[value];
  CHECK(counts.values() == expected);
}

TEST_CASE("printf and assert") {
  say_hello(2);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  DeviceArray<int> seven(std::vector<int>{7}), eight(std::vector<int>{8});
  fail_assert(seven.get());
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  CHECK(take_reports().empty());
  fail_assert(eight.get());
  CHECK(cudaDeviceSynchronize() == cudaErrorAssert);
  const std::vector<Report> reports = take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].fault == Fault::kAssert);
  CHECK(reports[0].text.find("*x == 7") != std::string::npos);
  CHECK(reports[0].file == "tests/cuda_sim/idioms/language.cu");
}

}  // namespace
}  // namespace assay::cuda_sim::idioms
