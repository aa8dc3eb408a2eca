// SPDX-License-Identifier: Apache-2.0
// JPEG pixels: libjpeg-turbo where the build found it, stb_image elsewhere. Internal to pipeline/data.
#pragma once

#include "engine/tensor/tensor.h"
#include "pipeline/data/image_header.h"

namespace assay::data {

// Whether this build decodes JPEG with libjpeg-turbo. Its pixels are those of Pillow (accurate DCT, smooth chroma
// upsampling); stb_image's differ by a few levels.
bool jpeg_uses_turbo();

// (H, W, 3) uint8; grey is replicated. `header` is read_jpeg_header's and the file passed check_jpeg_is_whole. Coded
// data that end early or make no sense are errors; with stb_image the first of these goes unnoticed.
Result<Tensor> decode_jpeg(ByteView bytes, const ImageHeader& header);

}  // namespace assay::data
