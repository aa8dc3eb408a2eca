// SPDX-License-Identifier: Apache-2.0
// BMP's header; pixels come from stb_image, which reads zeros past the end of the file. Internal to pipeline/data.
#pragma once

#include "pipeline/data/image_header.h"

namespace assay::data {

bool is_bmp(ByteView bytes);
// Refuses compressed files.
Result<ImageHeader> read_bmp_header(ByteView bytes);
// Whether every row is there.
Status check_bmp_is_whole(ByteView bytes);

}  // namespace assay::data
