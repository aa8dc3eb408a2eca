// SPDX-License-Identifier: Apache-2.0
// What, beside the program and its input, decides the bits of results.
#pragma once

#include <string>

#include "engine/device/device.h"

namespace assay {

// On the CPU the vector instructions that kernels take, and oneDNN's version and instructions; of a GPU its name. Where
// two processes of one program answer alike, results that are kept on a disk by one are those of the other: bit for bit
// on the CPU, within rounding on a GPU.
std::string arithmetic_of(const Device& device);

}  // namespace assay
