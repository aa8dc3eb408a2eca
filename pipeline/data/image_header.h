// SPDX-License-Identifier: Apache-2.0
// What an image file says about itself before any pixel is decoded. Internal to pipeline/data; messages lack the file's
// name, which image.cc puts in front.
#pragma once

#include <cstdint>

#include "kernels/base/status.h"
#include "pipeline/data/byte_view.h"

namespace assay::data {

enum class ImageFormat { kPng, kJpeg, kBmp, kTga, kPnm };

struct ImageHeader {
  ImageFormat format;
  int64_t width = 0;  // as stored, before the orientation is applied
  int64_t height = 0;
  int orientation = 1;  // EXIF's, 1 to 8
  bool is_16_bit = false;
};

// Recognises the format by content, never by name, and reads its header. Needs the bytes up to the pixels only.
Result<ImageHeader> read_image_header(ByteView bytes);

}  // namespace assay::data
