// SPDX-License-Identifier: Apache-2.0
// Damaged files must give an error or an image, never a crash, a hang or an allocation beyond the limits.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/memory/storage.h"
#include "pipeline/data/golden_images.h"
#include "pipeline/data/image.h"
#include "pipeline/data/png_write.h"

namespace assay::data {
namespace {

using Bytes = std::vector<uint8_t>;

ImageLimits small_limits() {
  ImageLimits limits;
  limits.max_pixels = 1 << 16;
  return limits;
}

// Decodes in every way; what decodes must be an image within the limits.
bool decodes(const Bytes& bytes) {
  const ImageLimits limits = small_limits();
  const Result<Image> image = decode_image(bytes, "x", limits);
  const Result<Mask> mask = decode_mask(bytes, "x", limits);
  const Result<ImageSize> size = decode_image_size(bytes, "x", limits);
  CHECK(image.ok() == mask.ok());
  if (!image.ok()) {
    CHECK(image.message().substr(0, 3) == "x: ");
    return false;
  }
  REQUIRE(size.ok());
  CHECK(size.value().width == image.value().width());
  CHECK(size.value().height == image.value().height());
  CHECK(image.value().pixels.size() <= 3 * limits.max_pixels);
  return true;
}

TEST_CASE("a file cut at any byte is an error") {
  for (const GoldenImage& golden : golden_images()) {
    INFO(golden.name);
    Bytes whole = golden_bytes(golden.name);
    // Pillow's TGA files end with a footer that no pixel needs.
    const bool is_tga = golden.name.find(".tga") != std::string::npos;
    if (is_tga && ByteView(whole).starts_with("TRUEVISION-XFILE.", whole.size() - 18)) whole.resize(whole.size() - 26);
    CHECK(decodes(whole));
    for (size_t size = 0; size < whole.size(); ++size) {
      INFO("first ", size, " of ", whole.size(), " bytes");
      CHECK_FALSE(decodes(Bytes(whole.begin(), whole.begin() + static_cast<int64_t>(size))));
    }
  }
}

TEST_CASE("files with random bytes changed give an error or an image") {
  std::mt19937 random(5);
  int num_decoded = 0;
  for (const GoldenImage& golden : golden_images()) {
    INFO(golden.name);
    const Bytes whole = golden_bytes(golden.name);
    for (int i = 0; i < 400; ++i) {
      Bytes damaged = whole;
      // Half of the changes hit the header, where sizes and counts are.
      const size_t reach = i % 2 == 0 ? damaged.size() : std::min<size_t>(damaged.size(), 64);
      for (size_t change = 0; change < 1 + random() % 4; ++change) {
        damaged[random() % reach] = static_cast<uint8_t>(random() % 4 == 0 ? 255 : random());
      }
      num_decoded += decodes(damaged);
    }
  }
  CHECK(num_decoded > 0);
}

uint32_t png_crc(const uint8_t* bytes, size_t size) {
  uint32_t value = 0xffffffffu;
  for (size_t i = 0; i < size; ++i) {
    value ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0u);
  }
  return ~value;
}

// Sets the checksum of every chunk that is whole.
void mend_checksums(Bytes* png) {
  for (size_t at = 8; ByteView(*png).has(at, 12);) {
    const size_t length = ByteView(*png).u32_big(at);
    if (!ByteView(*png).has(at, 12 + length)) return;
    const uint32_t value = png_crc(png->data() + at + 4, 4 + length);
    for (size_t i = 0; i < 4; ++i) (*png)[at + 8 + length + i] = static_cast<uint8_t>(value >> (24 - 8 * i));
    at += 12 + length;
  }
}

TEST_CASE("PNG files with random bytes changed and valid checksums give an error or an image") {
  std::mt19937 random(6);
  for (const GoldenImage& golden : golden_images()) {
    if (golden.name.find(".png") == std::string::npos) continue;
    INFO(golden.name);
    const Bytes whole = golden_bytes(golden.name);
    for (int i = 0; i < 400; ++i) {
      Bytes damaged = whole;
      for (size_t change = 0; change < 1 + random() % 3; ++change) {
        damaged[8 + random() % (damaged.size() - 8)] = static_cast<uint8_t>(random());
      }
      mend_checksums(&damaged);
      decodes(damaged);
    }
  }
}

TEST_CASE("a PNG that unpacks to far more than its header says is refused before it has") {
  // 12 MB of zeros in some KB, under a header that says one pixel.
  Bytes png = encode_png(Tensor::zeros<uint8_t>({3000, 4000}, "test")).value();
  for (const size_t side_at : {16, 20}) {
    for (size_t i = 0; i < 4; ++i) png[side_at + i] = i == 3;
  }
  mend_checksums(&png);
  REQUIRE(png.size() < 200'000);
  CHECK(decode_image(png, "x").message() == "x: damaged PNG: outofmem");
}

TEST_CASE("random bytes after each signature are an error") {
  std::mt19937 random(7);
  for (const std::string& signature : {std::string("\x89PNG\r\n\x1a\n"), std::string("\xff\xd8\xff"), std::string("BM"),
                                       std::string("P5 9 9 255\n"), std::string("\0\0\2", 3), std::string()}) {
    for (int i = 0; i < 500; ++i) {
      Bytes bytes(signature.begin(), signature.end());
      for (size_t n = random() % 60; n > 0; --n) bytes.push_back(static_cast<uint8_t>(random()));
      decodes(bytes);
    }
  }
}

TEST_CASE("damaged files leave no image in memory") {
  CHECK(memory_usage()["image"].live_bytes == 0);
  CHECK(memory_usage()["image"].peak_bytes <= 4 * 3 * small_limits().max_pixels);
}

}  // namespace
}  // namespace assay::data
