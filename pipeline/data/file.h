// SPDX-License-Identifier: Apache-2.0
// Whole files in and out. Every error names the path and the reason.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/data/byte_view.h"

namespace assay::data {

// The bytes of a regular file. A directory, a device, a file of more than max_bytes and one whose size changes while it
// is read are errors.
Result<std::vector<uint8_t>> read_file(const std::string& path, int64_t max_bytes);

// As read_file, but only the first max_bytes of a longer file.
Result<std::vector<uint8_t>> read_file_start(const std::string& path, int64_t max_bytes);

// Hands the file's bytes to `take` in order, a MiB at a time. Errors as read_file's; `take` may have had some by then.
Status read_file_in_pieces(const std::string& path, const std::function<void(ByteView)>& take);

// Writes a temporary file beside `path` (`.assay-tmp-...`), syncs it, renames it: at any moment `path` holds its old
// bytes or the new ones. A failed write leaves nothing behind; a killed program may leave the temporary file.
Status write_file_atomically(const std::string& path, ByteView bytes);

}  // namespace assay::data
