// SPDX-License-Identifier: Apache-2.0
// Bytes of an open file or of memory, read by position: what readers of weight files stand on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kernels/base/status.h"

namespace assay::io {

// Reading from many threads at once is safe.
class ByteSource {
 public:
  // A regular file. It is read with pread and not through a mapping: a file cut short by someone else is then an error
  // and not a SIGBUS. Errors name the path.
  static Result<std::unique_ptr<ByteSource>> open(const std::string& path);
  // Memory that must outlive the source.
  static std::unique_ptr<ByteSource> from_memory(std::string_view memory);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  int64_t bytes() const { return bytes_; }
  // Copies `count` bytes from `offset` on; the range must lie inside. Fails where the file is shorter by now; the
  // message does not name it.
  Status read(int64_t offset, int64_t count, void* to) const;

 private:
  ByteSource(int file, int64_t bytes) : file_(file), bytes_(bytes) {}
  explicit ByteSource(std::string_view memory) : memory_(memory), bytes_(static_cast<int64_t>(memory.size())) {}

  int file_ = -1;
  std::string_view memory_;
  int64_t bytes_ = 0;
};

}  // namespace assay::io
