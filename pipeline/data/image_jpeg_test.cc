// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_jpeg.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "pipeline/data/golden_images.h"
#include "pipeline/data/image.h"
#include "pipeline/data/image_exif.h"
#include "pipeline/data/image_jpeg_segments.h"
#include "pipeline/data/image_stb.h"

namespace assay::data {
namespace {

using Bytes = std::vector<uint8_t>;

Tensor by_stb(const Bytes& jpeg) {
  const ImageHeader header = read_jpeg_header(jpeg).value();
  return apply_orientation(decode_with_stb(jpeg, header, SampleRounding::kNearest).value(), header.orientation);
}

TEST_CASE("stb_image's JPEG pixels lie near Pillow's") {
  for (const GoldenImage& golden : golden_images()) {
    if (!is_jpeg_name(golden.name)) continue;
    INFO(golden.name);
    const Tensor pixels = by_stb(golden_bytes(golden.name));
    const Tensor expected = read_image(golden_path(golden.name + ".png")).value().pixels;
    REQUIRE(pixels.shape() == expected.shape());
    int most = 0;
    for (int64_t i = 0; i < pixels.size(); ++i) {
      most = std::max(most, std::abs(pixels.data<uint8_t>()[i] - expected.data<uint8_t>()[i]));
    }
    // Both round the DCT and the colour transform, each in its own fixed point; chroma is upsampled by other
    // weights. On these files they differ by 3 at most.
    CHECK(most <= 4);
  }
}

TEST_CASE("damaged JPEG files give stb_image an error or an image, whichever decoder the build uses") {
  std::mt19937 random(9);
  for (const GoldenImage& golden : golden_images()) {
    if (!is_jpeg_name(golden.name)) continue;
    INFO(golden.name);
    const Bytes whole = golden_bytes(golden.name);
    for (int i = 0; i < 1000; ++i) {
      Bytes damaged = whole;
      for (size_t change = 0; change < 1 + random() % 4; ++change) {
        damaged[random() % damaged.size()] = static_cast<uint8_t>(random() % 4 == 0 ? 255 : random());
      }
      const Result<ImageHeader> header = read_image_header(damaged);
      if (!header.ok() || header.value().format != ImageFormat::kJpeg) continue;
      if (header.value().width * header.value().height > 1 << 16 || !check_jpeg_is_whole(damaged).ok()) continue;
      const Result<Tensor> pixels = decode_with_stb(damaged, header.value(), SampleRounding::kNearest);
      CHECK((pixels.ok() || pixels.message().find("damaged JPEG: ") == 0));
    }
  }
}

// Where the marker 0xff `marker` first stands.
size_t find_marker(const Bytes& jpeg, uint8_t marker) {
  size_t at = 0;
  while (!(jpeg.at(at) == 0xff && jpeg.at(at + 1) == marker)) ++at;
  return at;
}

// The offset of the first byte after the scan's header.
size_t scan_start(const Bytes& jpeg) {
  const size_t at = find_marker(jpeg, 0xda);
  return at + 2 + ByteView(jpeg).u16_big(at + 2);
}

TEST_CASE("a JPEG whose coded data end early is an error even where an end marker follows") {
  if (!jpeg_uses_turbo()) return;  // stb_image fills in grey without a word
  Bytes jpeg = golden_bytes("rgb_420.jpg");
  jpeg.erase(jpeg.begin() + static_cast<int64_t>(scan_start(jpeg)) + 40, jpeg.end() - 2);
  CHECK(decode_image(jpeg, "x").message() == "x: damaged JPEG: Corrupt JPEG data: premature end of data segment");
}

TEST_CASE("bytes between the coded data and the end marker do no harm") {
  const Bytes jpeg = golden_bytes("rgb_420.jpg");
  Bytes padded = jpeg;
  padded.insert(padded.end() - 2, {0, 0, 0, 0});
  const Tensor expected = decode_image(jpeg, "x").value().pixels;
  const Result<Image> image = decode_image(padded, "x");
  REQUIRE_MESSAGE(image.ok(), image.message());
  CHECK(std::equal(expected.raw(), expected.raw() + expected.bytes(), image.value().pixels.raw()));
}

TEST_CASE("bytes after the end marker do no harm") {
  Bytes jpeg = golden_bytes("rgb_420.jpg");
  jpeg.insert(jpeg.end(), {1, 2, 3});
  CHECK(decode_image(jpeg, "x").ok());
}

TEST_CASE("a JPEG of endless scans is refused") {
  const Bytes jpeg = golden_bytes("grey.jpg");
  const size_t header_end = scan_start(jpeg);
  Bytes many(jpeg.begin(), jpeg.end() - 2);
  for (int i = 0; i < 500; ++i)
    many.insert(many.end(), jpeg.begin() + static_cast<int64_t>(header_end) - 10, jpeg.end() - 2);
  many.insert(many.end(), {0xff, 0xd9});
  CHECK(decode_image(many, "x").message() == "x: JPEG with more than 500 scans is not read");
}

TEST_CASE("a JPEG whose tables are of an illegal size or missing is refused") {
  constexpr uint8_t kDht = 0xc4, kDqt = 0xdb, kSos = 0xda, kComment = 0xfe;
  const Bytes jpeg = golden_bytes("grey.jpg");
  Bytes large_table = jpeg;
  std::fill_n(large_table.begin() + static_cast<int64_t>(find_marker(jpeg, kDht)) + 5, 16, uint8_t{255});
  CHECK(decode_image(large_table, "x").message() == "x: damaged JPEG: wrong Huffman table");
  const auto error_with = [&](size_t at, uint8_t value) {
    Bytes changed = jpeg;
    changed.at(at) = value;
    return decode_image(changed, "x").message();
  };
  CHECK(error_with(find_marker(jpeg, kDqt) + 4, 0x20) == "x: damaged JPEG: wrong quantisation table");
  CHECK(error_with(find_marker(jpeg, kDht) + 1, kComment) == "x: damaged JPEG: scan without its Huffman table");
  CHECK(error_with(find_marker(jpeg, kDqt) + 1, kComment) == "x: damaged JPEG: scan without its quantisation table");
  CHECK(error_with(find_marker(jpeg, kSos) + 4, 100) == "x: damaged JPEG: short scan header");
  CHECK(error_with(find_marker(jpeg, kSos) + 6, 0x30) == "x: damaged JPEG: scan without its Huffman table");
}

TEST_CASE("JPEG frames that are not read say why") {
  const Bytes jpeg = golden_bytes("grey.jpg");
  const size_t frame = find_marker(jpeg, 0xc0);
  const auto error_with = [&](size_t at, uint8_t value) {
    Bytes changed = jpeg;
    changed.at(frame + at) = value;
    return decode_image(changed, "x").message();
  };
  CHECK(error_with(1, 0xc3) == "x: JPEG with lossless or arithmetic coding is not read");
  CHECK(error_with(4, 12) == "x: JPEG with 12 bits a sample is not read, only 8");
  CHECK(error_with(9, 2) == "x: JPEG with 2 channels is not read");
  CHECK(error_with(1, 0xfe) == "x: damaged JPEG: no frame header");
}

}  // namespace
}  // namespace assay::data
