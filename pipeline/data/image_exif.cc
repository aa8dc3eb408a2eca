// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_exif.h"

#include <cstring>

namespace assay::data {
namespace {

constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kShort = 3;

class TiffReader {
 public:
  explicit TiffReader(ByteView bytes) : bytes_(bytes), big_(bytes.starts_with("MM\0*")) {}
  bool is_tiff() const { return big_ || bytes_.starts_with("II*\0"); }
  bool has(size_t at, size_t count) const { return bytes_.has(at, count); }
  uint32_t u16(size_t at) const { return big_ ? bytes_.u16_big(at) : bytes_.u16_little(at); }
  uint32_t u32(size_t at) const { return big_ ? bytes_.u32_big(at) : bytes_.u32_little(at); }

 private:
  ByteView bytes_;
  bool big_;
};

}  // namespace

int exif_orientation(ByteView tiff) {
  constexpr size_t kEntryBytes = 12;
  const TiffReader reader(tiff);
  if (!reader.is_tiff() || !reader.has(4, 4)) return 1;
  const size_t directory = reader.u32(4);
  if (!reader.has(directory, 2)) return 1;
  const size_t num_entries = reader.u16(directory);
  for (size_t i = 0; i < num_entries; ++i) {
    const size_t entry = directory + 2 + i * kEntryBytes;
    if (!reader.has(entry, kEntryBytes)) return 1;
    if (reader.u16(entry) != kOrientationTag) continue;
    const uint32_t value = reader.u16(entry + 8);
    const bool is_valid = reader.u16(entry + 2) == kShort && value >= 1 && value <= 8;
    return is_valid ? static_cast<int>(value) : 1;
  }
  return 1;
}

Tensor apply_orientation(const Tensor& pixels, int orientation) {
  if (orientation == 1) return pixels;
  const int64_t height = pixels.dim(0), width = pixels.dim(1);
  const bool swaps = orientation_swaps_sides(orientation);
  const bool flips_rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool flips_columns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const int64_t row_step = flips_rows ? -width * 3 : width * 3;  // bytes, in the source
  const int64_t column_step = flips_columns ? -3 : 3;
  const int64_t start = (flips_rows ? (height - 1) * width * 3 : 0) + (flips_columns ? (width - 1) * 3 : 0);
  const int64_t out_height = swaps ? width : height, out_width = swaps ? height : width;
  const int64_t down = swaps ? column_step : row_step, across = swaps ? row_step : column_step;
  const Tensor out = Tensor::empty<uint8_t>({out_height, out_width, 3}, "image");
  uint8_t* y = out.data<uint8_t>();
  for (int64_t row = 0; row < out_height; ++row) {
    const uint8_t* x = pixels.data<uint8_t>() + start + row * down;
    for (int64_t column = 0; column < out_width; ++column, y += 3) std::memcpy(y, x + column * across, 3);
  }
  return out;
}

}  // namespace assay::data
