// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/png_write.h"

#include <cstdlib>
#include <new>

#include "pipeline/data/file.h"

namespace {

// The encoder would write through the null pointer of a failed allocation.
void* realloc_or_throw(void* p, size_t bytes) {
  void* moved = std::realloc(p, bytes);
  if (moved == nullptr) throw std::bad_alloc();
  return moved;
}

}  // namespace

#define STBIW_MALLOC(bytes) realloc_or_throw(nullptr, bytes)
#define STBIW_REALLOC(p, bytes) realloc_or_throw(p, bytes)
#define STBIW_FREE(p) std::free(p)
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace assay::data {
namespace {

// The encoder computes in int, and its buffers grow by doubling.
constexpr int64_t kMaxFilteredBytes = 1 << 29;

void take(void* out, void* bytes, int size) {
  const uint8_t* begin = static_cast<const uint8_t*>(bytes);
  static_cast<std::vector<uint8_t>*>(out)->assign(begin, begin + size);
}

}  // namespace

Result<std::vector<uint8_t>> encode_png(const Tensor& pixels) {
  const int64_t channels = pixels.rank() == 3 ? pixels.dim(2) : 1;
  ASSAY_CHECK(pixels.dtype() == DType::kUInt8 && (pixels.rank() == 2 || pixels.rank() == 3) &&
                  (channels == 1 || channels == 3) && pixels.size() > 0,
              "encode_png: input has shape ", to_string(pixels.shape()),
              ", expected uint8 (height, width) or (height, width, 1 or 3), not empty");
  const int64_t height = pixels.dim(0), width = pixels.dim(1);
  if ((width * channels + 1) * height > kMaxFilteredBytes) {
    return Status::error("PNG of ", width, " x ", height, " px is above the limit of ", kMaxFilteredBytes, " bytes");
  }
  std::vector<uint8_t> bytes;
  const int stride = static_cast<int>(width * channels);
  try {
    stbi_write_png_to_func(take, &bytes, static_cast<int>(width), static_cast<int>(height), static_cast<int>(channels),
                           pixels.raw(), stride);
  } catch (const std::bad_alloc&) {
    return Status::error("no memory to encode a PNG of ", width, " x ", height, " px");
  }
  return bytes;
}

Status write_png(const std::string& path, const Tensor& pixels) {
  const Result<std::vector<uint8_t>> bytes = encode_png(pixels);
  if (!bytes.ok()) return Status::error(path, ": ", bytes.message());
  return write_file_atomically(path, bytes.value());
}

}  // namespace assay::data
