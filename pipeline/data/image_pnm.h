// SPDX-License-Identifier: Apache-2.0
// Binary PGM (P5) and PPM (P6), 8 and 16 bits. Internal to pipeline/data. Source: the Netpbm format pages.
#pragma once

#include "engine/tensor/tensor.h"
#include "pipeline/data/image_header.h"
#include "pipeline/data/image_samples.h"

namespace assay::data {

bool is_pnm(ByteView bytes);
Result<ImageHeader> read_pnm_header(ByteView bytes);
// (H, W, 3) uint8; grey is replicated. Bytes after the first image are ignored.
Result<Tensor> decode_pnm(ByteView bytes, SampleRounding rounding);

}  // namespace assay::data
