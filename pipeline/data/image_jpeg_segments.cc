// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_jpeg_segments.h"

#include <array>
#include <cstring>

#include "pipeline/data/image_exif.h"

namespace assay::data {
namespace {

enum Marker : uint32_t {
  kSof0 = 0xc0,  // baseline
  kSof2 = 0xc2,  // progressive; 0xc1 between them is extended sequential
  kDht = 0xc4,
  kJpg = 0xc8,
  kDac = 0xcc,
  kSof15 = 0xcf,
  kRst0 = 0xd0,
  kRst7 = 0xd7,
  kSoi = 0xd8,
  kEoi = 0xd9,
  kSos = 0xda,
  kDqt = 0xdb,
  kApp1 = 0xe1,
  kTem = 0x01
};

// A progressive file of a few bytes a scan could otherwise keep a decoder busy for hours. Real ones have ten or so.
constexpr int kMaxScans = 500;

struct Segment {
  uint32_t marker;
  ByteView data;  // after the length field; empty for a marker alone
  size_t end;     // of the segment in the file
};

bool stands_alone(uint32_t marker) {
  return (marker >= kRst0 && marker <= kRst7) || marker == kSoi || marker == kEoi || marker == kTem;
}

bool is_frame_header(uint32_t marker) {
  return marker >= kSof0 && marker <= kSof15 && marker != kDht && marker != kJpg && marker != kDac;
}

Result<Segment> segment_at(ByteView bytes, size_t at) {
  if (!bytes.has(at, 2)) return Status::error("truncated JPEG");
  if (bytes.u8(at) != 0xff) return Status::error("damaged JPEG: no marker at byte ", at);
  while (bytes.has(at, 2) && bytes.u8(at + 1) == 0xff) ++at;  // fill bytes
  if (!bytes.has(at, 2)) return Status::error("truncated JPEG");
  const uint32_t marker = bytes.u8(at + 1);
  if (stands_alone(marker)) return Segment{marker, {}, at + 2};
  if (!bytes.has(at, 4)) return Status::error("truncated JPEG");
  const size_t length = bytes.u16_big(at + 2);  // counts its own two bytes
  if (length < 2) return Status::error("damaged JPEG: segment of ", length, " bytes at byte ", at);
  if (!bytes.has(at + 2, length)) return Status::error("truncated JPEG");
  return Segment{marker, bytes.part(at + 4, length - 2), at + 2 + length};
}

// Where the entropy-coded data from `at` end: at the next marker that is neither a stuffed 0xff nor a restart.
size_t end_of_scan(ByteView bytes, size_t at) {
  while (at < bytes.size()) {
    const void* found = std::memchr(bytes.data() + at, 0xff, bytes.size() - at);
    if (found == nullptr) return bytes.size();
    at = static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data());
    if (!bytes.has(at, 2)) return bytes.size();
    const uint32_t next = bytes.u8(at + 1);
    if (next != 0 && next != 0xff && !(next >= kRst0 && next <= kRst7)) return at;
    at += next == 0xff ? 1 : 2;
  }
  return bytes.size();
}

Status read_frame_header(const Segment& segment, ImageHeader* header) {
  if (segment.marker > kSof2) return Status::error("JPEG with lossless or arithmetic coding is not read");
  if (!segment.data.has(0, 6)) return Status::error("damaged JPEG: short frame header");
  const uint32_t bits = segment.data.u8(0);
  if (bits != 8) return Status::error("JPEG with ", bits, " bits a sample is not read, only 8");
  const uint32_t components = segment.data.u8(5);
  if (components == 4) return Status::error("CMYK JPEG (4 channels) is not read, store it as RGB");
  if (components != 1 && components != 3) return Status::error("JPEG with ", components, " channels is not read");
  if (!segment.data.has(6, 3 * components)) return Status::error("damaged JPEG: short frame header");
  header->height = segment.data.u16_big(1);
  header->width = segment.data.u16_big(3);
  return {};
}

// Which decoding tables the segments so far define. stb_image neither bounds the codes of a table nor asks whether a
// table that a scan names was ever defined; it then reads and writes past its arrays.
class Tables {
 public:
  Status take(const Segment& segment) {
    switch (segment.marker) {
      case kDht:
        return define_huffman(segment.data);
      case kDqt:
        return define_quantisation(segment.data);
      case kSos:
        return check_scan(segment.data);
      default:
        return is_frame_header(segment.marker) ? set_frame(segment) : Status();
    }
  }

 private:
  // T.81, B.2.4.2. The tables fill the segment.
  Status define_huffman(ByteView data) {
    constexpr size_t kNumLengths = 16;
    for (size_t at = 0; at < data.size();) {
      size_t num_codes = 0;
      for (size_t i = 1; i <= kNumLengths && data.has(at + i, 1); ++i) num_codes += data.u8(at + i);
      const size_t table_bytes = 1 + kNumLengths + num_codes;
      if (num_codes > 256 || !data.has(at, table_bytes)) return Status::error("damaged JPEG: wrong Huffman table");
      const uint32_t kind = data.u8(at) >> 4, index = data.u8(at) & 15;
      if (kind > 1 || index > 3) return Status::error("damaged JPEG: wrong Huffman table");
      (kind == 0 ? dc_ : ac_)[index] = true;
      at += table_bytes;
    }
    return {};
  }

  // T.81, B.2.4.1. The tables fill the segment.
  Status define_quantisation(ByteView data) {
    for (size_t at = 0; at < data.size();) {
      const uint32_t is_16_bit = data.u8(at) >> 4, index = data.u8(at) & 15;
      const size_t table_bytes = 1 + (is_16_bit ? 128 : 64);
      if (is_16_bit > 1 || index > 3 || !data.has(at, table_bytes)) {
        return Status::error("damaged JPEG: wrong quantisation table");
      }
      quantisation_[index] = true;
      at += table_bytes;
    }
    return {};
  }

  // read_frame_header has checked the first.
  Status set_frame(const Segment& segment) {
    if (num_components_ > 0) return Status::error("damaged JPEG: two frame headers");
    is_progressive_ = segment.marker == kSof2;
    num_components_ = segment.data.u8(5);
    for (size_t i = 0; i < num_components_; ++i) frame_quantisation_[i] = segment.data.u8(6 + 3 * i + 2);
    return {};
  }

  // T.81, B.2.3. A first scan of DC or AC needs its table; a sequential one needs both; refined DC bits need none.
  Status check_scan(ByteView data) const {
    if (!data.has(0, 1) || !data.has(0, 4 + 2u * data.u8(0))) return Status::error("damaged JPEG: short scan header");
    const size_t num_components = data.u8(0);
    const uint32_t first_coefficient = data.u8(1 + 2 * num_components);
    const uint32_t high_bit = data.u8(1 + 2 * num_components + 2) >> 4;
    const bool needs_dc = !is_progressive_ || (first_coefficient == 0 && high_bit == 0);
    const bool needs_ac = !is_progressive_ || first_coefficient > 0;
    for (size_t i = 0; i < num_components; ++i) {
      const uint32_t names = data.u8(2 + 2 * i);
      if ((needs_dc && !is_defined(dc_, names >> 4)) || (needs_ac && !is_defined(ac_, names & 15))) {
        return Status::error("damaged JPEG: scan without its Huffman table");
      }
    }
    for (size_t i = 0; i < num_components_; ++i) {
      if (!is_defined(quantisation_, frame_quantisation_[i])) {
        return Status::error("damaged JPEG: scan without its quantisation table");
      }
    }
    return {};
  }

  using Defined = std::array<bool, 4>;
  static bool is_defined(const Defined& tables, uint32_t index) { return index < tables.size() && tables[index]; }

  Defined dc_ = {}, ac_ = {}, quantisation_ = {};
  bool is_progressive_ = false;
  size_t num_components_ = 0;
  std::array<uint32_t, 3> frame_quantisation_ = {};
};

}  // namespace

bool is_jpeg(ByteView bytes) { return bytes.starts_with("\xff\xd8\xff"); }

Result<ImageHeader> read_jpeg_header(ByteView bytes) {
  ImageHeader header;
  header.format = ImageFormat::kJpeg;
  bool has_frame = false, has_exif = false;
  for (size_t at = 2;;) {
    const Result<Segment> found = segment_at(bytes, at);
    if (!found.ok()) return found.status();
    const Segment& segment = found.value();
    at = segment.end;
    if (segment.marker == kSos || segment.marker == kEoi) break;
    if (segment.marker == kApp1 && !has_exif && segment.data.starts_with("Exif\0\0")) {
      has_exif = true;
      header.orientation = exif_orientation(segment.data.part(6, segment.data.size() - 6));
    }
    if (!is_frame_header(segment.marker)) continue;
    if (has_frame) return Status::error("damaged JPEG: two frame headers");
    has_frame = true;
    ASSAY_RETURN_IF_ERROR(read_frame_header(segment, &header));
  }
  if (!has_frame) return Status::error("damaged JPEG: no frame header");
  return header;
}

Status check_jpeg_is_whole(ByteView bytes) {
  Tables tables;
  int num_scans = 0;
  for (size_t at = 2;;) {
    const Result<Segment> segment = segment_at(bytes, at);
    if (!segment.ok()) return segment.status();
    at = segment.value().end;
    if (segment.value().marker == kEoi) break;
    ASSAY_RETURN_IF_ERROR(tables.take(segment.value()));
    if (segment.value().marker != kSos) continue;
    if (++num_scans > kMaxScans) return Status::error("JPEG with more than ", kMaxScans, " scans is not read");
    at = end_of_scan(bytes, at);
  }
  return num_scans > 0 ? Status() : Status::error("damaged JPEG: no scan");
}

}  // namespace assay::data
