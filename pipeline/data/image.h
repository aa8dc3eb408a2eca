// SPDX-License-Identifier: Apache-2.0
// Image files to 8-bit RGB pixels: PNG (1 to 16 bits, palette, interlaced), JPEG (baseline, progressive; grey and
// colour), BMP (uncompressed), TGA, binary PGM and PPM (8 and 16 bits). The format is recognised by content.
//
// Grey is replicated to three channels, alpha is dropped (the colour under it stays), 16-bit samples v become v / 257
// rounded, and EXIF's orientation is applied as PIL's ImageOps.exif_transpose does.
//
// Files are untrusted. A truncated, damaged or hostile one is an error, `name: reason`, and sizes are checked against
// the limits before anything of that size is allocated. Deterministic; safe to call from many threads. JPEG pixels
// equal Pillow's where the build found libjpeg-turbo and differ by a few levels elsewhere (README.md).
#pragma once

#include <cstdint>
#include <string>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"
#include "pipeline/data/byte_view.h"

namespace assay::data {

struct ImageLimits {
  int64_t max_file_bytes = int64_t{512} << 20;
  int64_t max_side = 32768;          // px
  int64_t max_pixels = 200'000'000;  // 600 MB of RGB
};

struct ImageSize {
  int64_t width;
  int64_t height;
};

struct Image {
  Tensor pixels;  // (H, W, 3) uint8
  int64_t width() const { return pixels.dim(1); }
  int64_t height() const { return pixels.dim(0); }
};

struct Mask {
  Tensor pixels;  // (H, W) uint8: 1 where any channel of the file is not zero, else 0
  int64_t width() const { return pixels.dim(1); }
  int64_t height() const { return pixels.dim(0); }
};

Result<Image> read_image(const std::string& path, const ImageLimits& limits = {});
// `name` is what errors call the bytes.
Result<Image> decode_image(ByteView bytes, const std::string& name, const ImageLimits& limits = {});

// Any image file. One stored as JPEG marks what its compression smeared, too.
Result<Mask> read_mask(const std::string& path, const ImageLimits& limits = {});
Result<Mask> decode_mask(ByteView bytes, const std::string& name, const ImageLimits& limits = {});

// The size that decoding would give, from the header alone; the rest of the file may be damaged.
Result<ImageSize> read_image_size(const std::string& path, const ImageLimits& limits = {});
Result<ImageSize> decode_image_size(ByteView bytes, const std::string& name, const ImageLimits& limits = {});

}  // namespace assay::data
