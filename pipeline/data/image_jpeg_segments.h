// SPDX-License-Identifier: Apache-2.0
// JPEG's outer structure, so that every decoder refuses the same files. Internal to pipeline/data. Source: ITU-T T.81,
// annex B.
#pragma once

#include "pipeline/data/image_header.h"

namespace assay::data {

bool is_jpeg(ByteView bytes);
// Refuses what no decoder here reads: lossless, arithmetic and 12-bit coding, and files that are neither grey nor
// colour of three channels (CMYK).
Result<ImageHeader> read_jpeg_header(ByteView bytes);
// Whether the segments lead to the end marker and each scan finds its tables. Entropy-coded data that stop
// early before an end marker are seen by libjpeg-turbo alone.
// Needs a file whose header was read.
Status check_jpeg_is_whole(ByteView bytes);

}  // namespace assay::data
