// SPDX-License-Identifier: Apache-2.0
// PNG files from 8-bit pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::data {

// pixels (H, W), (H, W, 1) or (H, W, 3) uint8, H and W >= 1 -> a PNG's bytes. Throws assay::Error on another shape or
// dtype; more than 2^29 bytes of pixels, and no memory, are returned as Status.
Result<std::vector<uint8_t>> encode_png(const Tensor& pixels);

// Writes it by write_file_atomically.
Status write_png(const std::string& path, const Tensor& pixels);

}  // namespace assay::data
