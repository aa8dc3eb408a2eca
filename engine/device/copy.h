// SPDX-License-Identifier: Apache-2.0
// Copies between devices, put on a stream.
#pragma once

#include <cstddef>

#include "engine/device/stream.h"

namespace assay {

// `stream` is of the target's device where that is a GPU, otherwise of the source's; between two places in host memory
// the copy is done when the call returns. The caller keeps both ranges valid, and a range of the host as it is, until
// the stream has got past the copy. They must not overlap.
void copy_bytes(const std::byte* from, Device source, std::byte* to, Device target, size_t bytes, const Stream& stream);

void fill_zero(std::byte* memory, size_t bytes, const Stream& stream);

}  // namespace assay
