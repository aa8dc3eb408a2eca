// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_tga.h"

#include <array>
#include <cstring>
#include <vector>

namespace assay::data {
namespace {

constexpr size_t kHeaderBytes = 18;

enum Kind : uint32_t { kPalette = 1, kTrueColour = 2, kGrey = 3 };
constexpr uint32_t kRunLengthBit = 8;  // of the kind
// Of the descriptor.
constexpr uint32_t kRightToLeftBit = 0x10;
constexpr uint32_t kTopToBottomBit = 0x20;

struct Layout {
  uint32_t kind;
  bool is_run_length_coded, right_to_left, top_to_bottom;
  int64_t width, height;
  size_t pixel_bytes;
  bool has_palette;
  size_t palette_at, palette_first, palette_length, palette_entry_bytes;
  size_t pixels_at;
};

using Rgb = std::array<uint8_t, 3>;

bool is_colour_depth(uint32_t bits) { return bits == 15 || bits == 16 || bits == 24 || bits == 32; }

Layout read_layout(ByteView bytes) {
  Layout layout;
  const uint32_t kind = bytes.u8(2), descriptor = bytes.u8(17);
  layout.kind = kind & ~kRunLengthBit;
  layout.is_run_length_coded = (kind & kRunLengthBit) != 0;
  layout.right_to_left = (descriptor & kRightToLeftBit) != 0;
  layout.top_to_bottom = (descriptor & kTopToBottomBit) != 0;
  layout.width = bytes.u16_little(12);
  layout.height = bytes.u16_little(14);
  layout.pixel_bytes = (bytes.u8(16) + 7u) / 8;
  layout.has_palette = bytes.u8(1) == 1;
  layout.palette_first = bytes.u16_little(3);
  layout.palette_length = layout.has_palette ? bytes.u16_little(5) : 0;
  layout.palette_entry_bytes = (bytes.u8(7) + 7u) / 8;
  layout.palette_at = kHeaderBytes + bytes.u8(0);
  layout.pixels_at = layout.palette_at + layout.palette_length * layout.palette_entry_bytes;
  return layout;
}

// Blue, green, red; 16 bits hold five of each, little-endian.
Rgb colour_at(const uint8_t* p, size_t num_bytes) {
  if (num_bytes == 1) return {p[0], p[0], p[0]};
  if (num_bytes != 2) return {p[2], p[1], p[0]};
  const uint32_t v = p[0] | p[1] << 8;
  const auto level = [&](int shift) { return static_cast<uint8_t>((v >> shift & 31) * 255 / 31); };
  return {level(10), level(5), level(0)};
}

// The stored pixels in file order, run lengths expanded.
Result<std::vector<uint8_t>> expand(ByteView bytes, const Layout& layout) {
  const size_t needed = static_cast<size_t>(layout.width * layout.height) * layout.pixel_bytes;
  const Status truncated = Status::error("truncated TGA");
  size_t at = layout.pixels_at;
  if (!layout.is_run_length_coded) {
    if (!bytes.has(at, needed)) return truncated;
    const ByteView stored = bytes.part(at, needed);
    return std::vector<uint8_t>(stored.data(), stored.data() + needed);
  }
  std::vector<uint8_t> out;
  while (out.size() < needed) {
    if (!bytes.has(at, 1)) return truncated;
    const uint32_t packet = bytes.u8(at++);
    const size_t count = (packet & 0x7f) + 1;
    const bool repeats = (packet & 0x80) != 0;
    const size_t stored_bytes = repeats ? layout.pixel_bytes : count * layout.pixel_bytes;
    if (!bytes.has(at, stored_bytes)) return truncated;
    const uint8_t* stored = bytes.data() + at;
    for (size_t i = 0; i < (repeats ? count : 1); ++i) out.insert(out.end(), stored, stored + stored_bytes);
    at += stored_bytes;
  }
  out.resize(needed);  // the last packet may run past the last row
  return out;
}

Result<Rgb> palette_colour(ByteView bytes, const Layout& layout, size_t index) {
  if (index < layout.palette_first || index - layout.palette_first >= layout.palette_length) {
    return Status::error("damaged TGA: palette index ", index, " of a palette of ", layout.palette_length);
  }
  const size_t at = layout.palette_at + (index - layout.palette_first) * layout.palette_entry_bytes;
  return colour_at(bytes.part(at, layout.palette_entry_bytes).data(), layout.palette_entry_bytes);
}

}  // namespace

bool is_tga(ByteView bytes) {
  if (!bytes.has(0, kHeaderBytes) || bytes.u8(1) > 1) return false;
  const uint32_t bits = bytes.u8(16);
  switch (bytes.u8(2) & ~kRunLengthBit) {
    case kPalette:
      return bytes.u8(1) == 1 && bits == 8 && is_colour_depth(bytes.u8(7));
    case kTrueColour:
      return is_colour_depth(bits);
    case kGrey:
      return bits == 8;
    default:
      return false;
  }
}

Result<ImageHeader> read_tga_header(ByteView bytes) {
  const Layout layout = read_layout(bytes);
  ImageHeader header;
  header.format = ImageFormat::kTga;
  header.width = layout.width;
  header.height = layout.height;
  return header;
}

Result<Tensor> decode_tga(ByteView bytes) {
  const Layout layout = read_layout(bytes);
  if (!bytes.has(0, layout.pixels_at)) return Status::error("truncated TGA");
  const Result<std::vector<uint8_t>> stored = expand(bytes, layout);
  if (!stored.ok()) return stored.status();
  const Tensor pixels = Tensor::empty<uint8_t>({layout.height, layout.width, 3}, "image");
  const uint8_t* x = stored.value().data();
  for (int64_t row = 0; row < layout.height; ++row) {
    const int64_t out_row = layout.top_to_bottom ? row : layout.height - 1 - row;
    for (int64_t column = 0; column < layout.width; ++column, x += layout.pixel_bytes) {
      const int64_t out_column = layout.right_to_left ? layout.width - 1 - column : column;
      Result<Rgb> colour =
          layout.kind == kPalette ? palette_colour(bytes, layout, *x) : Result<Rgb>(colour_at(x, layout.pixel_bytes));
      if (!colour.ok()) return colour.status();
      std::memcpy(pixels.data<uint8_t>() + (out_row * layout.width + out_column) * 3, colour.value().data(), 3);
    }
  }
  return pixels;
}

}  // namespace assay::data
