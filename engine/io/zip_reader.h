// SPDX-License-Identifier: Apache-2.0
// The entries of a zip archive whose members are stored without compression, as PyTorch writes its files: a member is
// then a range of the file. Compressed, encrypted, split and overlapping members are refused. A general zip library
// would bring decompressors for data that must not be there.
// Source: .ZIP File Format Specification (APPNOTE) 6.3.10, with its 64-bit extension.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/io/byte_source.h"
#include "kernels/base/status.h"

namespace assay::io {

struct ZipMember {
  int64_t begin;  // in the file
  int64_t bytes;
};

// Members by name. The archive is untrusted: every position and length is checked against the source, and there are at
// most kMaxZipMembers. Errors do not name the file. Checksums are not verified: a caller checks what it reads.
constexpr int64_t kMaxZipMembers = 1 << 20;
Result<std::map<std::string, ZipMember>> read_zip_members(const ByteSource& source);

}  // namespace assay::io
