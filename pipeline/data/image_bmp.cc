// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_bmp.h"

namespace assay::data {
namespace {

// Offsets in the file; the second header follows the 14 bytes of the first.
constexpr size_t kPixelOffsetAt = 10;
constexpr size_t kHeaderSizeAt = 14;
constexpr uint32_t kOldHeaderBytes = 12;  // OS/2's, with 16-bit sides
constexpr uint32_t kMinHeaderBytes = 40;  // Windows'

enum Compression : uint32_t { kNone = 0, kBitFields = 3 };

struct Layout {
  int64_t width, height;
  uint32_t bits_per_pixel, compression;
};

Result<Layout> read_layout(ByteView bytes) {
  if (!bytes.has(kHeaderSizeAt, 4)) return Status::error("truncated BMP");
  const uint32_t header_bytes = bytes.u32_little(kHeaderSizeAt);
  if (header_bytes != kOldHeaderBytes && header_bytes < kMinHeaderBytes) {
    return Status::error("damaged BMP: header of ", header_bytes, " bytes");
  }
  if (!bytes.has(kHeaderSizeAt, header_bytes)) return Status::error("truncated BMP");
  if (header_bytes == kOldHeaderBytes) {
    return Layout{bytes.u16_little(18), bytes.u16_little(20), bytes.u16_little(24), kNone};
  }
  const int64_t height = static_cast<int32_t>(bytes.u32_little(22));  // negative where the top row comes first
  return Layout{static_cast<int32_t>(bytes.u32_little(18)), height < 0 ? -height : height, bytes.u16_little(28),
                bytes.u32_little(30)};
}

}  // namespace

bool is_bmp(ByteView bytes) { return bytes.starts_with("BM"); }

Result<ImageHeader> read_bmp_header(ByteView bytes) {
  const Result<Layout> layout = read_layout(bytes);
  if (!layout.ok()) return layout.status();
  if (layout.value().compression != kNone && layout.value().compression != kBitFields) {
    return Status::error("compressed BMP is not read");
  }
  ImageHeader header;
  header.format = ImageFormat::kBmp;
  header.width = layout.value().width;
  header.height = layout.value().height;
  return header;
}

Status check_bmp_is_whole(ByteView bytes) {
  const Result<Layout> layout = read_layout(bytes);
  if (!layout.ok()) return layout.status();
  // Sides are within the limits by now, so nothing overflows.
  const int64_t row_bytes = (layout.value().width * layout.value().bits_per_pixel + 31) / 32 * 4;
  const int64_t needed = bytes.u32_little(kPixelOffsetAt) + row_bytes * layout.value().height;
  return bytes.has(0, static_cast<size_t>(needed)) ? Status() : Status::error("truncated BMP");
}

}  // namespace assay::data
