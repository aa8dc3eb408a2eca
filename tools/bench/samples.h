// SPDX-License-Identifier: Apache-2.0
// What cases fill their buffers with and compare a sample of their answers by.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "tools/bench/buffer.h"

namespace assay::bench {

// A hash of (seed, i), after Steele, Lea, Flood 2014 (SplitMix64): a nanosecond a number, as a case may need a
// gigabyte.
inline uint64_t sample_bits(uint64_t seed, int64_t i) {
  uint64_t z = (seed << 40) + static_cast<uint64_t>(i + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

// Numbers in [low, high), the same in every run.
template <class T = float>
std::vector<T> sample_values(int64_t count, uint64_t seed, double low = -1, double high = 1) {
  std::vector<T> x(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    x[i] = static_cast<T>(low + (high - low) * (static_cast<double>(sample_bits(seed, i) >> 40) * 0x1p-24));
  }
  return x;
}

template <class T = float>
Buffer<T> samples(int64_t count, uint64_t seed, double low = -1, double high = 1) {
  return Buffer<T>(sample_values<T>(count, seed, low, high));
}

// Numbers from 0 to before `bound`, for indices and bytes.
template <class T>
std::vector<T> sample_integers(int64_t count, uint64_t seed, uint64_t bound) {
  std::vector<T> x(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) x[i] = static_cast<T>((sample_bits(seed, i) >> 32) * bound >> 32);
  return x;
}

template <class T>
Buffer<T> zeros(int64_t count) {
  return Buffer<T>(std::vector<T>(static_cast<size_t>(count)));
}

// Whether `found` begins with what is expected, each within `tolerance`. A NaN does not.
template <class T>
bool begins_with(const Buffer<T>& found, const std::vector<double>& expected, double tolerance) {
  const std::vector<T> first = found.values(0, static_cast<int64_t>(expected.size()));
  if (first.size() < expected.size() || expected.empty()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(std::fabs(static_cast<double>(first[i]) - expected[i]) <= tolerance)) return false;
  }
  return true;
}

// The same with a tolerance for each.
inline bool begins_with(const Buffer<float>& found, const std::vector<double>& expected,
                        const std::vector<double>& tolerance) {
  const std::vector<float> first = found.values(0, static_cast<int64_t>(expected.size()));
  if (first.size() < expected.size() || tolerance.size() != expected.size() || expected.empty()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(std::fabs(first[i] - expected[i]) <= tolerance[i])) return false;
  }
  return true;
}

}  // namespace assay::bench
