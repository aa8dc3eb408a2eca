// SPDX-License-Identifier: Apache-2.0
// TGA: grey, palette and true colour, raw and run-length coded. Internal to pipeline/data. Source: the Truevision TGA
// specification, version 2.
#pragma once

#include "engine/tensor/tensor.h"
#include "pipeline/data/image_header.h"

namespace assay::data {

// Whether the header is one of a kind read here; the format has no signature.
bool is_tga(ByteView bytes);
Result<ImageHeader> read_tga_header(ByteView bytes);
// (H, W, 3) uint8; grey is replicated, alpha dropped.
Result<Tensor> decode_tga(ByteView bytes);

}  // namespace assay::data
