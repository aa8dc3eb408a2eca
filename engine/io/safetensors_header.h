// SPDX-License-Identifier: Apache-2.0
// The header of a safetensors file as text: what the reader accepts and the writer produces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/safetensors.h"
#include "kernels/base/status.h"

namespace assay::io {

constexpr int64_t kMaxSafetensorsHeaderBytes = int64_t{16} << 20;  // our largest header has a few hundred kilobytes

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
  SafetensorsMetadata metadata;
};

// Checks everything that can be checked without the data: JSON without repeated keys, known dtypes, sizes that follow
// from the shapes, and offsets that cover `data_bytes` without hole or overlap. Messages do not name the file.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, int64_t data_bytes);

// The JSON text, padded with spaces to a multiple of 8 bytes, and the offsets it assigns.
struct SafetensorsLayout {
  std::string json;
  int64_t data_bytes = 0;
};
Result<SafetensorsLayout> safetensors_layout(const std::vector<SafetensorsDeclaration>& tensors,
                                             const SafetensorsMetadata& metadata);

// "F32", "F16", "U8", "I32", "I64".
const char* safetensors_dtype_name(DType dtype);

}  // namespace assay::io
