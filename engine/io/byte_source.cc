// SPDX-License-Identifier: Apache-2.0
#include "engine/io/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace assay::io {
namespace {

std::string system_error() { return std::strerror(errno); }

}  // namespace

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return Status::error(path, ": ", system_error());
  struct stat info = {};
  const bool has_info = ::fstat(file, &info) == 0;
  std::unique_ptr<ByteSource> source(new ByteSource(file, has_info ? int64_t{info.st_size} : 0));
  if (!has_info) return Status::error(path, ": ", system_error());
  if (!S_ISREG(info.st_mode)) return Status::error(path, ": not a regular file");
  return source;
}

std::unique_ptr<ByteSource> ByteSource::from_memory(std::string_view memory) {
  return std::unique_ptr<ByteSource>(new ByteSource(memory));
}

ByteSource::~ByteSource() {
  if (file_ >= 0) ::close(file_);
}

Status ByteSource::read(int64_t offset, int64_t count, void* to) const {
  ASSAY_CHECK(offset >= 0 && count >= 0 && offset <= bytes_ && count <= bytes_ - offset, "read of ", count,
              " bytes at ", offset, " of ", bytes_);
  if (file_ < 0) {
    if (count > 0) std::memcpy(to, memory_.data() + offset, static_cast<size_t>(count));
    return {};
  }
  char* at = static_cast<char*>(to);
  while (count > 0) {
    const ssize_t got = ::pread(file_, at, static_cast<size_t>(count), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::error("reading at byte ", offset, ": ", system_error());
    if (got == 0) return Status::error("ends at byte ", offset, ", it had ", bytes_, " bytes when it was opened");
    at += got;
    offset += got;
    count -= got;
  }
  return {};
}

}  // namespace assay::io
