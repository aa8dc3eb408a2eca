// SPDX-License-Identifier: Apache-2.0
// PNG's outer structure; pixels come from stb_image, which checks neither checksums nor the end of the file. Internal
// to pipeline/data. Source: the PNG specification, third edition, section 5.
#pragma once

#include "pipeline/data/image_header.h"

namespace assay::data {

bool is_png(ByteView bytes);
// An eXIf chunk after the pixels does not count, so that a file's start is enough.
Result<ImageHeader> read_png_header(ByteView bytes);
// Whether every chunk up to IEND is there and the critical ones carry the right checksum.
Status check_png_is_whole(ByteView bytes);

}  // namespace assay::data
