// SPDX-License-Identifier: Apache-2.0
// Small made-up images of one product, some with a bright spot as defect, as PNG files in a folder.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/base/check.h"
#include "pipeline/data/png_write.h"

namespace assay::testing {

inline constexpr int64_t kTinySide = 64;  // px

// The same pixels for the same number: stripes whose phase varies a little, and noise. has_spot: with a defect of
// 12 x 12 px.
inline Tensor tiny_image(uint32_t number, bool has_spot) {
  uint32_t state = number * 2654435761u + 12345u;
  const auto draw = [&state] { return (state = state * 1664525u + 1013904223u) >> 16; };
  const double phase = draw() % 100 / 300.0;
  const int64_t top = draw() % (kTinySide - 12), left = draw() % (kTinySide - 12);
  const Tensor image = Tensor::empty<uint8_t>({kTinySide, kTinySide, 3}, "test");
  uint8_t* pixel = image.data<uint8_t>();
  for (int64_t y = 0; y < kTinySide; ++y) {
    for (int64_t x = 0; x < kTinySide; ++x) {
      const double stripes = 90 + 40 * std::sin(static_cast<double>(x) / 5 + phase);
      const bool in_spot = has_spot && y >= top && y < top + 12 && x >= left && x < left + 12;
      for (int c = 0; c < 3; ++c) {
        const double noise = draw() % 17;
        *pixel++ = static_cast<uint8_t>((in_spot ? 230 : stripes) + noise);
      }
    }
  }
  return image;
}

// 255 inside the spot of tiny_image(number, true).
inline Tensor tiny_mask(uint32_t number) {
  const Tensor with = tiny_image(number, true), without = tiny_image(number, false);
  const Tensor mask = Tensor::zeros<uint8_t>({kTinySide, kTinySide}, "test");
  for (int64_t i = 0; i < mask.size(); ++i) {
    mask.data<uint8_t>()[i] = with.data<uint8_t>()[3 * i] != without.data<uint8_t>()[3 * i] ? 255 : 0;
  }
  return mask;
}

struct TinyRow {
  std::string split;
  std::string path;
  int label = 0;
  std::string mask;  // empty: none
};

inline void write_tiny_image(const std::string& path, const Tensor& pixels) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  const Status status = data::write_png(path, pixels);
  ASSAY_CHECK(status.ok(), status.message());
}

// Writes 24 training and 12 test images below `root`; 4 of each have a spot, those for test a mask, too.
inline std::vector<TinyRow> write_tiny_set(const std::string& root) {
  std::vector<TinyRow> rows;
  for (uint32_t i = 0; i < 36; ++i) {
    const bool is_train = i < 24;
    const bool has_spot = is_train ? i % 6 == 1 : i % 3 == 1;
    const std::string name = (has_spot ? "spot/" : "good/") + std::to_string(i) + ".png";
    rows.push_back({is_train ? "train" : "test", name, has_spot, has_spot && !is_train ? "mask/" + name : ""});
    write_tiny_image(root + "/" + name, tiny_image(i, has_spot));
    if (!rows.back().mask.empty()) write_tiny_image(root + "/" + rows.back().mask, tiny_mask(i));
  }
  return rows;
}

inline void write_tiny_list(const std::string& file, const std::vector<TinyRow>& rows) {
  std::ofstream list(file, std::ios::binary);
  list << "split,path,label,mask\n";
  for (const TinyRow& row : rows) {
    list << row.split << "," << row.path << "," << (row.label < 0 ? "" : std::to_string(row.label)) << "," << row.mask
         << "\n";
  }
}

}  // namespace assay::testing
