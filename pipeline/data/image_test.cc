// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "pipeline/data/golden_images.h"
#include "pipeline/data/image_jpeg.h"
#include "pipeline/data/png_write.h"
#include "pipeline/data/sha256.h"
#include "tests/support/temporary_folder.h"

namespace assay::data {
namespace {

using testing::TemporaryFolder;
using Bytes = std::vector<uint8_t>;

Bytes bytes_of(const std::string& s) { return {s.begin(), s.end()}; }

std::string checksum(const Image& image) {
  return sha256({image.pixels.data<uint8_t>(), static_cast<size_t>(image.pixels.size())});
}

std::string error_of(const Bytes& bytes, const ImageLimits& limits = {}) {
  return decode_image(bytes, "x", limits).message();
}

Bytes changed(Bytes bytes, size_t at, uint8_t value) {
  bytes.at(at) = value;
  return bytes;
}

// "BM", then a header for 24 bits and no pixels.
Bytes bmp_header(uint32_t width, uint32_t height, uint8_t compression = 0) {
  Bytes bytes(54, 0);
  bytes[0] = 'B';
  bytes[1] = 'M';
  bytes[10] = 54;
  bytes[14] = 40;
  for (int i = 0; i < 4; ++i) bytes[18 + i] = static_cast<uint8_t>(width >> (8 * i));
  for (int i = 0; i < 4; ++i) bytes[22 + i] = static_cast<uint8_t>(height >> (8 * i));
  bytes[26] = 1;
  bytes[28] = 24;
  bytes[30] = compression;
  return bytes;
}

TEST_CASE("every format decodes to Pillow's pixels, the orientation applied") {
  const std::vector<GoldenImage> all = golden_images();
  REQUIRE(all.size() > 30);
  for (const GoldenImage& golden : all) {
    INFO(golden.name);
    const Result<Image> image = read_image(golden_path(golden.name));
    REQUIRE_MESSAGE(image.ok(), image.message());
    CHECK(image.value().width() == golden.width);
    CHECK(image.value().height() == golden.height);
    if (is_jpeg_name(golden.name) && !jpeg_uses_turbo()) continue;  // image_jpeg_test.cc bounds the difference
    CHECK(checksum(image.value()) == golden.sha256);
  }
}

TEST_CASE("the size read from a header is that of the decoded image") {
  for (const GoldenImage& golden : golden_images()) {
    INFO(golden.name);
    const Result<ImageSize> size = read_image_size(golden_path(golden.name));
    REQUIRE_MESSAGE(size.ok(), size.message());
    CHECK(size.value().width == golden.width);
    CHECK(size.value().height == golden.height);
  }
}

TEST_CASE("the size of a file whose header lies behind a long comment is found") {
  Bytes jpeg = golden_bytes("rgb_420.jpg");
  Bytes comment(4 + 65533, ' ');
  const uint8_t head[4] = {0xff, 0xfe, 0xff, 0xff};
  std::memcpy(comment.data(), head, 4);
  for (int i = 0; i < 5; ++i) jpeg.insert(jpeg.begin() + 2, comment.begin(), comment.end());
  const TemporaryFolder folder;
  REQUIRE(write_file_atomically(folder / "x.jpg", jpeg).ok());
  CHECK(read_image_size(folder / "x.jpg").value().width == 35);
}

TEST_CASE("what is not an image says so and what would be") {
  const std::string expected = "x: not an image file this program reads (png, jpg, bmp, tga, pgm, ppm)";
  CHECK(error_of({}) == "x: empty file");
  CHECK(error_of({0}) == expected);
  CHECK(error_of(bytes_of("not an image\n")) == expected);
  CHECK(error_of(bytes_of("GIF89a, which is an image, but not one of these")) == expected);
  CHECK(error_of(bytes_of("P4\n1 1\n0")) == expected);
}

TEST_CASE("files that cannot be opened name the file") {
  const TemporaryFolder folder;
  CHECK(read_image(folder / "x.png").message() == folder / "x.png" + ": cannot be read: No such file or directory");
  CHECK(read_image(folder.path()).message() == folder.path() + ": is a folder, expected a file");
  CHECK(read_mask(folder.path()).message() == folder.path() + ": is a folder, expected a file");
  CHECK(read_image_size(folder.path()).message() == folder.path() + ": is a folder, expected a file");
  REQUIRE(write_file_atomically(folder / "t.png", bytes_of("text")).ok());
  CHECK(read_image(folder / "t.png").message() ==
        folder / "t.png" + ": not an image file this program reads (png, jpg, bmp, tga, pgm, ppm)");
}

TEST_CASE("limits are checked before the pixels are looked at") {
  CHECK(error_of(bmp_header(20000, 30000)) == "x: 20000 x 30000 px is above the limit of 200000000 px");
  CHECK(error_of(bmp_header(32769, 1)) == "x: 32769 x 1 px is above the limit of 32768 px a side");
  CHECK(error_of(bmp_header(1, 0x80000000u)) == "x: 1 x 2147483648 px is above the limit of 32768 px a side");
  CHECK(error_of(bmp_header(10000, 20000)) == "x: truncated BMP");
  CHECK(error_of(bmp_header(0, 5)) == "x: image of 0 x 5 px has no pixels");
  ImageLimits small;
  small.max_pixels = 35 * 27 - 1;
  CHECK(error_of(golden_bytes("rgb_420.jpg"), small) == "x: 35 x 27 px is above the limit of 944 px");
  CHECK(error_of(golden_bytes("rgb.png"), small) == "x: 35 x 27 px is above the limit of 944 px");
  small.max_file_bytes = 10;
  const std::string path = golden_path("one_pixel.png");
  CHECK(read_image(path, small).message() == path + ": file of 69 bytes is above the limit of 10");
}

TEST_CASE("an image of 20 000 px width decodes") {
  const Tensor wide = Tensor::zeros<uint8_t>({2, 20000, 3}, "test");
  wide.data<uint8_t>()[20000 * 3 * 2 - 1] = 77;
  const Image image = decode_image(encode_png(wide).value(), "x").value();
  CHECK(image.width() == 20000);
  CHECK(image.pixels.data<uint8_t>()[20000 * 3 * 2 - 1] == 77);
}

TEST_CASE("damage that decoders overlook is found") {
  const Bytes png = golden_bytes("rgb.png");
  const Bytes data_changed = changed(png, 60, png[60] ^ 1);
  CHECK(error_of(data_changed) == "x: damaged PNG: wrong checksum in the chunk at byte 33");
  const Bytes jpeg = golden_bytes("rgb_420.jpg");
  CHECK(error_of(Bytes(jpeg.begin(), jpeg.end() - 2)) == "x: truncated JPEG");
  const Bytes bmp = golden_bytes("rgb.bmp");
  CHECK(error_of(Bytes(bmp.begin(), bmp.end() - 1)) == "x: truncated BMP");
  // One pixel, of colour 5 in a palette of two.
  const Bytes tga = {0, 1, 1, 0, 0, 2, 0, 24, 0, 0, 0, 0, 1, 0, 1, 0, 8, 0, 1, 2, 3, 4, 5, 6, 5};
  CHECK(error_of(tga) == "x: damaged TGA: palette index 5 of a palette of 2");
  CHECK(decode_image(changed(tga, 24, 1), "x").ok());
}

TEST_CASE("kinds of files that are not read say which") {
  CHECK(error_of(golden_bytes("cmyk.jpg")) == "x: CMYK JPEG (4 channels) is not read, store it as RGB");
  CHECK(error_of(bmp_header(4, 4, 1)) == "x: compressed BMP is not read");
}

TEST_CASE("a mask marks what is not zero in any channel") {
  const Tensor rgb = Tensor::zeros<uint8_t>({2, 2, 3}, "test");
  rgb.data<uint8_t>()[4] = 1;     // green of the second pixel
  rgb.data<uint8_t>()[11] = 255;  // blue of the fourth
  const Mask mask = decode_mask(encode_png(rgb).value(), "x").value();
  CHECK(mask.pixels.shape() == Shape{2, 2});
  const uint8_t* m = mask.pixels.data<uint8_t>();
  CHECK(std::vector<int>(m, m + 4) == std::vector<int>{0, 1, 0, 1});
}

TEST_CASE("a mask of 16 bits marks samples that an image would round to zero") {
  const Bytes pgm = bytes_of(std::string("P5 3 1 65535\n\0\0\0\1\1\0", 19));
  const Mask mask = decode_mask(pgm, "x").value();
  const uint8_t* m = mask.pixels.data<uint8_t>();
  CHECK(std::vector<int>(m, m + 3) == std::vector<int>{0, 1, 1});
  CHECK(decode_image(pgm, "x").value().pixels.data<uint8_t>()[3] == 0);
}

TEST_CASE("a PGM sample above its maximum counts as the maximum, and a header that makes no sense is an error") {
  CHECK(decode_image(bytes_of("P5 1 1 50\n\x7f"), "x").value().pixels.data<uint8_t>()[0] == 255);
  CHECK(error_of(bytes_of("P5 1 1 0\n\x7f")) == "x: damaged PGM or PPM header");
  CHECK(error_of(bytes_of("P5 1 1 65536\n\x7f")) == "x: damaged PGM or PPM header");
  CHECK(error_of(bytes_of("P5 99999999999999999999 1 255\n\x7f")) == "x: damaged PGM or PPM header");
  CHECK(error_of(bytes_of("P5 2 1 255\n\x7f")) == "x: truncated PGM or PPM");
}

}  // namespace
}  // namespace assay::data
