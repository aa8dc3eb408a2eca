// SPDX-License-Identifier: Apache-2.0
// stb_image behind one call: the pixels of PNG, BMP and (where libjpeg-turbo is missing) JPEG. Internal to
// pipeline/data.
#pragma once

#include "engine/tensor/tensor.h"
#include "pipeline/data/image_header.h"
#include "pipeline/data/image_samples.h"

namespace assay::data {

// (H, W, 3) uint8 of the header's size: grey replicated, palettes looked up, alpha dropped. One allocation within may
// take no more than an image of the header's size can need, so that a small file cannot unpack into all memory.
Result<Tensor> decode_with_stb(ByteView bytes, const ImageHeader& header, SampleRounding rounding);

}  // namespace assay::data
