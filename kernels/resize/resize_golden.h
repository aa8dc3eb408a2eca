// SPDX-License-Identifier: Apache-2.0
// Reads tests/golden/resize.txt, which tests/golden/make_resize.py made with Pillow 9.4.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace assay::kernels {

struct ResizeGolden {
  std::string filter;
  int64_t channels, height, width, out_height, out_width;
  uint64_t checksum;  // FNV-1a of the output bytes
};

// The cases of one filter ("bilinear", "nearest").
inline std::vector<ResizeGolden> read_resize_golden(const std::string& filter) {
  std::ifstream file("tests/golden/resize.txt");
  std::vector<ResizeGolden> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    ResizeGolden g;
    fields >> g.filter >> g.channels >> g.height >> g.width >> g.out_height >> g.out_width >> std::hex >> g.checksum;
    if (fields && g.filter == filter) cases.push_back(g);
  }
  return cases;
}

// The input bytes of a case.
inline std::vector<uint8_t> golden_noise(int64_t count) {
  std::vector<uint8_t> bytes(count);
  uint32_t state = 12345;
  for (uint8_t& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

inline uint64_t fnv1a(const std::vector<uint8_t>& bytes) {
  uint64_t value = 0xcbf29ce484222325u;
  for (const uint8_t byte : bytes) value = (value ^ byte) * 0x100000001b3u;
  return value;
}

}  // namespace assay::kernels
