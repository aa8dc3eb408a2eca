// SPDX-License-Identifier: Apache-2.0
// What cases fill their buffers with and compare a sample of their answers by.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace assay::bench {

// Numbers in [-3, 4), the same in every run.
inline std::vector<float> sample_floats(int64_t count) {
  std::mt19937 engine(1);
  std::vector<float> x(count);
  for (float& v : x) v = static_cast<float>(engine() * 0x1p-32 * 7 - 3);
  return x;
}

inline std::vector<uint8_t> sample_bytes(int64_t count) {
  std::mt19937 engine(1);
  std::vector<uint8_t> x(count);
  for (uint8_t& v : x) v = static_cast<uint8_t>(engine() >> 24);
  return x;
}

// Whether the first of `found` are `expected`, each within `tolerance`. A NaN is not.
template <class T>
bool begins_with(const std::vector<T>& found, const std::vector<double>& expected, double tolerance) {
  if (found.size() < expected.size() || expected.empty()) return false;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (!(std::fabs(static_cast<double>(found[i]) - expected[i]) <= tolerance)) return false;
  }
  return true;
}

}  // namespace assay::bench
