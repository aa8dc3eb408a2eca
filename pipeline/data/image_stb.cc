// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/image_stb.h"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

thread_local size_t max_allocation_bytes = 0;

// Zeroed, so that what a damaged file leaves unset is the same in every run.
void* limited_malloc(size_t bytes) { return bytes <= max_allocation_bytes ? std::calloc(bytes, 1) : nullptr; }
void* limited_realloc(void* p, size_t bytes) {
  return bytes <= max_allocation_bytes ? std::realloc(p, bytes) : nullptr;
}

}  // namespace

#define STBI_MALLOC(bytes) limited_malloc(bytes)
#define STBI_REALLOC(p, bytes) limited_realloc(p, bytes)
#define STBI_FREE(p) std::free(p)
#define STBI_ONLY_BMP
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

namespace assay::data {
namespace {

struct Free {
  void operator()(void* p) const { std::free(p); }
};

const char* format_name(ImageFormat format) {
  return format == ImageFormat::kPng ? "PNG" : format == ImageFormat::kBmp ? "BMP" : "JPEG";
}

// Twice what four 16-bit channels and a filter byte per row and interlacing pass take, because a buffer of unknown
// final size grows by doubling; so does the one that gathers the compressed bytes.
size_t most_bytes_for(const ImageHeader& header, size_t file_bytes) {
  const size_t width = static_cast<size_t>(header.width), height = static_cast<size_t>(header.height);
  return 2 * (width * height * 8 + 8 * (width + height) + file_bytes) + (1 << 20);
}

}  // namespace

Result<Tensor> decode_with_stb(ByteView bytes, const ImageHeader& header, SampleRounding rounding) {
  constexpr int kChannels = 3;
  const char* name = format_name(header.format);
  if (bytes.size() > INT32_MAX)
    return Status::error(name, " of ", bytes.size(), " bytes is above the limit of 2^31 - 1");
  max_allocation_bytes = most_bytes_for(header, bytes.size());
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<void, Free> decoded(
      header.is_16_bit
          ? static_cast<void*>(stbi_load_16_from_memory(bytes.data(), size, &width, &height, &channels, kChannels))
          : static_cast<void*>(stbi_load_from_memory(bytes.data(), size, &width, &height, &channels, kChannels)));
  if (!decoded) return Status::error("damaged ", name, ": ", stbi_failure_reason());
  if (width != header.width || height != header.height) return Status::error("damaged ", name, ": two sizes");
  Tensor pixels = Tensor::empty<uint8_t>({height, width, kChannels}, "image");
  if (header.is_16_bit) {
    const uint16_t* samples = static_cast<const uint16_t*>(decoded.get());
    uint8_t* y = pixels.data<uint8_t>();
    for (int64_t i = 0; i < pixels.size(); ++i) y[i] = to_8_bits(samples[i], 65535, rounding);
  } else {
    std::memcpy(pixels.raw(), decoded.get(), pixels.bytes());
  }
  return pixels;
}

}  // namespace assay::data
