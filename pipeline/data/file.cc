// SPDX-License-Identifier: Apache-2.0
#include "pipeline/data/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <new>
#include <system_error>
#include <utility>

namespace assay::data {
namespace {

Status system_error(const std::string& path, const char* action) {
  return Status::error(path, ": ", action, ": ", std::generic_category().message(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  // Whether closing worked: some file systems report a failed write only here.
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

// Fills `bytes` from the file; fewer are read only at its end. -1 on an error.
int64_t read_up_to(int fd, uint8_t* bytes, int64_t count) {
  int64_t done = 0;
  while (done < count) {
    const ssize_t n = ::read(fd, bytes + done, count - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return -1;
    if (n == 0) break;
    done += n;
  }
  return done;
}

bool write_all(int fd, ByteView bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

struct OpenFile {
  Descriptor descriptor;
  int64_t size;
};

Result<OpenFile> open_regular(const std::string& path) {
  // Opening a named pipe would wait for its writer; it is refused below.
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info;
  if (!descriptor.is_open() || ::fstat(descriptor.get(), &info) != 0) return system_error(path, "cannot be read");
  if (S_ISDIR(info.st_mode)) return Status::error(path, ": is a folder, expected a file");
  if (!S_ISREG(info.st_mode)) return Status::error(path, ": is not a regular file");
  return OpenFile{std::move(descriptor), info.st_size};
}

Status changed(const std::string& path) { return Status::error(path, ": file changed while it was read"); }

// The first `count` bytes of the file, which are all where `count` is its size.
Result<std::vector<uint8_t>> read_bytes(const std::string& path, const OpenFile& file, int64_t count) {
  std::vector<uint8_t> bytes;
  try {
    bytes.resize(static_cast<size_t>(count));
  } catch (const std::bad_alloc&) {
    return Status::error(path, ": no memory for its ", count, " bytes");
  }
  const int64_t done = read_up_to(file.descriptor.get(), bytes.data(), count);
  if (done < 0) return system_error(path, "cannot be read");
  uint8_t next;
  const bool is_longer = count == file.size && read_up_to(file.descriptor.get(), &next, 1) != 0;
  if (done != count || is_longer) return changed(path);
  return bytes;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string new_temporary_name(const std::string& path) {
  static std::atomic<int64_t> count{0};
  return text(folder_of(path), "/.assay-tmp-", ::getpid(), "-", count++);
}

// A rename is on the disk only once its folder is. The file is whole by now, so that a file system which cannot sync
// folders is no reason to fail.
void sync_folder_of(const std::string& path) {
  const Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.is_open()) (void)::fsync(folder.get());
}

}  // namespace

Result<std::vector<uint8_t>> read_file(const std::string& path, int64_t max_bytes) {
  const Result<OpenFile> file = open_regular(path);
  if (!file.ok()) return file.status();
  const int64_t size = file.value().size;
  if (size > max_bytes) return Status::error(path, ": file of ", size, " bytes is above the limit of ", max_bytes);
  return read_bytes(path, file.value(), size);
}

Result<std::vector<uint8_t>> read_file_start(const std::string& path, int64_t max_bytes) {
  const Result<OpenFile> file = open_regular(path);
  if (!file.ok()) return file.status();
  return read_bytes(path, file.value(), std::min(file.value().size, max_bytes));
}

Status read_file_in_pieces(const std::string& path, const std::function<void(ByteView)>& take) {
  const Result<OpenFile> file = open_regular(path);
  if (!file.ok()) return file.status();
  std::vector<uint8_t> piece(1 << 20);
  int64_t total = 0;
  for (;;) {
    const int64_t n = read_up_to(file.value().descriptor.get(), piece.data(), static_cast<int64_t>(piece.size()));
    if (n < 0) return system_error(path, "cannot be read");
    if (n == 0) break;
    take({piece.data(), static_cast<size_t>(n)});
    total += n;
  }
  return total == file.value().size ? Status() : changed(path);
}

Status write_file_atomically(const std::string& path, ByteView bytes) {
  std::string temporary;
  int fd = -1;
  do {
    temporary = new_temporary_name(path);
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EEXIST);  // left by a killed program of the same number
  Descriptor file(fd);
  if (!file.is_open()) return system_error(path, "cannot be written");
  if (write_all(file.get(), bytes) && ::fsync(file.get()) == 0 && file.close() &&
      std::rename(temporary.c_str(), path.c_str()) == 0) {
    sync_folder_of(path);
    return {};
  }
  const Status failed = system_error(path, "cannot be written");
  ::unlink(temporary.c_str());
  return failed;
}

}  // namespace assay::data
