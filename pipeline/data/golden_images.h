// SPDX-License-Identifier: Apache-2.0
// Reads tests/golden/images.txt and the files beside it, which tests/golden/make_images.py made with Pillow 9.4.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "pipeline/data/file.h"

namespace assay::data {

struct GoldenImage {
  std::string name;
  int64_t width, height;
  std::string sha256;  // of the (H, W, 3) bytes
};

inline std::string golden_path(const std::string& name) { return "tests/golden/images/" + name; }

inline std::vector<uint8_t> golden_bytes(const std::string& name) {
  return read_file(golden_path(name), 1 << 20).value();
}

inline std::vector<GoldenImage> golden_images() {
  std::ifstream file("tests/golden/images.txt");
  std::vector<GoldenImage> images;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    GoldenImage image;
    fields >> image.name >> image.width >> image.height >> image.sha256;
    if (fields && image.name != "#") images.push_back(image);
  }
  return images;
}

inline bool is_jpeg_name(const std::string& name) { return name.size() > 4 && name.substr(name.size() - 4) == ".jpg"; }

}  // namespace assay::data
