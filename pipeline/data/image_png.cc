// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_png.h"

#include <array>

#include "pipeline/data/image_exif.h"

namespace assay::data {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr size_t kChunkFrameBytes = 12;  // length and type before the data, checksum after
constexpr uint32_t kMaxInt31 = 0x7fffffff;

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1 ? 0xedb88320u : 0u) ^ (value >> 1);
    table[byte] = value;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = make_crc_table();

uint32_t crc32(ByteView bytes) {
  uint32_t value = 0xffffffffu;
  for (size_t i = 0; i < bytes.size(); ++i) value = kCrcTable[(value ^ bytes.data()[i]) & 0xff] ^ (value >> 8);
  return ~value;
}

struct Chunk {
  ByteView type_and_data;
  uint32_t checksum;
  ByteView data() const { return type_and_data.part(4, type_and_data.size() - 4); }
  bool is(const char (&name)[5]) const { return type_and_data.starts_with(name); }
  // Bit 5 of the first letter, section 5.4.
  bool is_critical() const { return (type_and_data.u8(0) & 0x20) == 0; }
};

Result<Chunk> chunk_at(ByteView bytes, size_t at) {
  if (!bytes.has(at, kChunkFrameBytes)) return Status::error("truncated PNG");
  const size_t length = bytes.u32_big(at);
  if (length > kMaxInt31) return Status::error("damaged PNG: chunk of ", length, " bytes");
  if (!bytes.has(at, kChunkFrameBytes + length)) return Status::error("truncated PNG");
  return Chunk{bytes.part(at + 4, 4 + length), bytes.u32_big(at + 8 + length)};
}

size_t end_of(const Chunk& chunk, size_t at) { return at + kChunkFrameBytes + chunk.type_and_data.size() - 4; }

}  // namespace

bool is_png(ByteView bytes) { return bytes.starts_with("\x89PNG\r\n\x1a\n"); }

Result<ImageHeader> read_png_header(ByteView bytes) {
  const Result<Chunk> first = chunk_at(bytes, kSignatureBytes);
  if (!first.ok()) return first.status();
  const ByteView data = first.value().data();
  if (!first.value().is("IHDR") || data.size() != 13) return Status::error("damaged PNG: no IHDR chunk at its start");
  ImageHeader header;
  header.format = ImageFormat::kPng;
  header.width = data.u32_big(0);
  header.height = data.u32_big(4);
  header.is_16_bit = data.u8(8) == 16;
  size_t at = end_of(first.value(), kSignatureBytes);
  // Stops at the pixels, which need not be there yet.
  while (bytes.has(at, 8) && !bytes.starts_with("IDAT", at + 4)) {
    const Result<Chunk> chunk = chunk_at(bytes, at);
    if (!chunk.ok()) return chunk.status();
    if (chunk.value().is("eXIf")) header.orientation = exif_orientation(chunk.value().data());
    at = end_of(chunk.value(), at);
  }
  if (!bytes.has(at, 8)) return Status::error("truncated PNG");
  return header;
}

Status check_png_is_whole(ByteView bytes) {
  for (size_t at = kSignatureBytes;;) {
    const Result<Chunk> chunk = chunk_at(bytes, at);
    if (!chunk.ok()) return chunk.status();
    const Chunk& c = chunk.value();
    if (c.is_critical() && crc32(c.type_and_data) != c.checksum) {
      return Status::error("damaged PNG: wrong checksum in the chunk at byte ", at);
    }
    if (c.is("IEND")) return {};
    at = end_of(c, at);
  }
}

}  // namespace assay::data
