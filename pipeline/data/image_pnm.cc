// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_pnm.h"

namespace assay::data {
namespace {

struct Layout {
  int64_t width, height, channels;
  uint32_t max_sample;
  size_t pixels_at;
};

bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Reads the header's numbers; each is preceded by white space and comments.
class NumberReader {
 public:
  explicit NumberReader(ByteView bytes) : bytes_(bytes) {}
  size_t at() const { return at_; }
  // -1 where there is no number or one of more than nine digits.
  int64_t next() {
    skip_space();
    int64_t value = 0;
    int num_digits = 0;
    for (; bytes_.has(at_, 1) && bytes_.u8(at_) >= '0' && bytes_.u8(at_) <= '9'; ++at_) {
      if (++num_digits > 9) return -1;
      value = value * 10 + (bytes_.u8(at_) - '0');
    }
    return num_digits > 0 ? value : -1;
  }

 private:
  void skip_space() {
    bool in_comment = false;
    for (; bytes_.has(at_, 1); ++at_) {
      const uint8_t c = bytes_.u8(at_);
      if (c == '#') in_comment = true;
      if (!in_comment && !is_space(c)) return;
      if (c == '\n' || c == '\r') in_comment = false;
    }
  }

  ByteView bytes_;
  size_t at_ = 2;  // after P5 or P6
};

Result<Layout> read_layout(ByteView bytes) {
  NumberReader numbers(bytes);
  Layout layout;
  layout.channels = bytes.u8(1) == '6' ? 3 : 1;
  layout.width = numbers.next();
  layout.height = numbers.next();
  const int64_t max_sample = numbers.next();
  layout.pixels_at = numbers.at() + 1;  // one white space
  if (layout.width < 0 || layout.height < 0 || max_sample < 1 || max_sample > 65535) {
    return Status::error("damaged PGM or PPM header");
  }
  layout.max_sample = static_cast<uint32_t>(max_sample);
  return layout;
}

}  // namespace

bool is_pnm(ByteView bytes) {
  return bytes.has(0, 3) && (bytes.starts_with("P5") || bytes.starts_with("P6")) && is_space(bytes.u8(2));
}

Result<ImageHeader> read_pnm_header(ByteView bytes) {
  const Result<Layout> layout = read_layout(bytes);
  if (!layout.ok()) return layout.status();
  ImageHeader header;
  header.format = ImageFormat::kPnm;
  header.width = layout.value().width;
  header.height = layout.value().height;
  header.is_16_bit = layout.value().max_sample > 255;
  return header;
}

Result<Tensor> decode_pnm(ByteView bytes, SampleRounding rounding) {
  const Result<Layout> found = read_layout(bytes);
  if (!found.ok()) return found.status();
  const Layout& layout = found.value();
  const size_t sample_bytes = layout.max_sample > 255 ? 2 : 1;
  const size_t num_samples = static_cast<size_t>(layout.width * layout.height * layout.channels);
  if (!bytes.has(layout.pixels_at, num_samples * sample_bytes)) return Status::error("truncated PGM or PPM");
  const ByteView samples = bytes.part(layout.pixels_at, num_samples * sample_bytes);
  const Tensor pixels = Tensor::empty<uint8_t>({layout.height, layout.width, 3}, "image");
  uint8_t* y = pixels.data<uint8_t>();
  const size_t copies = static_cast<size_t>(3 / layout.channels);
  for (size_t i = 0; i < num_samples; ++i) {
    const uint32_t sample = sample_bytes == 2 ? samples.u16_big(2 * i) : samples.u8(i);
    const uint8_t level = to_8_bits(sample, layout.max_sample, rounding);
    for (size_t copy = 0; copy < copies; ++copy) *y++ = level;
  }
  return pixels;
}

}  // namespace assay::data
