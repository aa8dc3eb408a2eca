// SPDX-License-Identifier: Apache-2.0
#include "engine/io/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "engine/io/byte_source.h"
#include "engine/io/safetensors_header.h"

namespace assay::io {
namespace {

constexpr int64_t kLengthBytes = 8;  // the header's length, little-endian

std::string system_error() { return std::strerror(errno); }

}  // namespace

// ---- Reading

SafetensorsReader::SafetensorsReader() = default;
SafetensorsReader::SafetensorsReader(SafetensorsReader&&) noexcept = default;
SafetensorsReader& SafetensorsReader::operator=(SafetensorsReader&&) noexcept = default;
SafetensorsReader::~SafetensorsReader() = default;

Result<SafetensorsReader> SafetensorsReader::open(const std::string& path) {
  Result<std::unique_ptr<ByteSource>> source = ByteSource::open(path);
  if (!source.ok()) return source.status();
  SafetensorsReader reader;
  reader.name_ = path;
  reader.source_ = std::move(source).value();
  ASSAY_RETURN_IF_ERROR(reader.parse());
  return reader;
}

Result<SafetensorsReader> SafetensorsReader::from_memory(std::string_view bytes, std::string name) {
  SafetensorsReader reader;
  reader.name_ = std::move(name);
  reader.source_ = ByteSource::from_memory(bytes);
  ASSAY_RETURN_IF_ERROR(reader.parse());
  return reader;
}

Status SafetensorsReader::parse() {
  if (source_->bytes() < kLengthBytes) {
    return Status::error(name_, ": ", source_->bytes(), " bytes, a safetensors file has at least ", kLengthBytes);
  }
  char raw[kLengthBytes];
  Status read = source_->read(0, kLengthBytes, raw);
  if (!read.ok()) return Status::error(name_, ": ", read.message());
  uint64_t length = 0;
  for (int i = 0; i < kLengthBytes; ++i) length |= uint64_t{static_cast<unsigned char>(raw[i])} << (8 * i);
  if (length > static_cast<uint64_t>(source_->bytes() - kLengthBytes)) {
    return Status::error(name_, ": header of ", length, " bytes announced, ", source_->bytes() - kLengthBytes,
                         " follow (truncated, or not a safetensors file)");
  }
  if (length > static_cast<uint64_t>(kMaxSafetensorsHeaderBytes)) {
    return Status::error(name_, ": header of ", length, " bytes, at most ", kMaxSafetensorsHeaderBytes, " are read");
  }
  std::string text(length, '\0');
  read = source_->read(kLengthBytes, static_cast<int64_t>(length), text.data());
  if (!read.ok()) return Status::error(name_, ": ", read.message());
  data_begin_ = kLengthBytes + static_cast<int64_t>(length);
  Result<SafetensorsHeader> header = parse_safetensors_header(text, source_->bytes() - data_begin_);
  if (!header.ok()) return Status::error(name_, ": ", header.message());
  entries_ = std::move(header.value().entries);
  metadata_ = std::move(header.value().metadata);
  for (size_t i = 0; i < entries_.size(); ++i) index_[entries_[i].name] = i;
  return {};
}

const SafetensorsEntry* SafetensorsReader::find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? nullptr : &entries_[it->second];
}

Result<Tensor> SafetensorsReader::read(std::string_view name, const char* tag) const {
  const SafetensorsEntry* entry = find(name);
  if (!entry) return Status::error(name_, ": no tensor \"", name, "\" among its ", entries_.size());
  Tensor t = Tensor::empty(entry->shape, entry->dtype, tag);
  const Status read = source_->read(data_begin_ + entry->begin, entry->end - entry->begin, t.raw());
  if (!read.ok()) return Status::error(name_, ": tensor \"", name, "\": ", read.message());
  return t;
}

Result<Tensor> SafetensorsReader::read(std::string_view name, DType dtype, const Shape& shape, const char* tag) const {
  const SafetensorsEntry* entry = find(name);
  if (entry && (entry->dtype != dtype || entry->shape != shape)) {
    return Status::error(name_, ": tensor \"", name, "\" is ", safetensors_dtype_name(entry->dtype), " ",
                         to_string(entry->shape), ", expected ", safetensors_dtype_name(dtype), " ", to_string(shape));
  }
  return read(name, tag);
}

// ---- Writing

SafetensorsWriter::SafetensorsWriter(std::string path, std::string temporary, int file, int64_t data_bytes)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(file), bytes_declared_(data_bytes) {}

SafetensorsWriter::SafetensorsWriter(SafetensorsWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      file_(std::exchange(other.file_, -1)),
      bytes_declared_(other.bytes_declared_),
      bytes_appended_(other.bytes_appended_) {}

SafetensorsWriter::~SafetensorsWriter() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(temporary_.c_str());
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& path,
                                                    const std::vector<SafetensorsDeclaration>& tensors,
                                                    const SafetensorsMetadata& metadata) {
  const Result<SafetensorsLayout> layout = safetensors_layout(tensors, metadata);
  if (!layout.ok()) return Status::error(path, ": ", layout.message());
  // In the same folder, because a rename does not cross file systems; unique, because two may write at once.
  static std::atomic<int> counter{0};
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  std::string temporary;
  int file = -1;
  do {
    temporary = text(folder, ".assay-tmp-", ::getpid(), "-", counter++, ".safetensors");
    file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file < 0 && errno == EEXIST);  // left by a killed program of the same number
  if (file < 0) return Status::error(temporary, ": ", system_error());
  SafetensorsWriter writer(path, temporary, file, layout.value().data_bytes);
  const std::string& json = layout.value().json;
  char length[kLengthBytes];
  for (int i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>(uint64_t{json.size()} >> (8 * i) & 0xff);
  ASSAY_RETURN_IF_ERROR(writer.write(length, kLengthBytes));
  ASSAY_RETURN_IF_ERROR(writer.write(json.data(), json.size()));
  return writer;
}

Status SafetensorsWriter::write(const void* data, size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::write(file_, from, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return Status::error(temporary_, ": ", system_error());
    from += put;
    bytes -= static_cast<size_t>(put);
  }
  return {};
}

Status SafetensorsWriter::append(const void* data, size_t bytes) {
  ASSAY_CHECK(file_ >= 0, path_, ": append after finish");
  if (bytes > static_cast<size_t>(bytes_declared_ - bytes_appended_)) {
    return Status::error(path_, ": ", bytes_appended_, " bytes written and ", bytes, " more, declared were ",
                         bytes_declared_);
  }
  ASSAY_RETURN_IF_ERROR(write(data, bytes));
  bytes_appended_ += static_cast<int64_t>(bytes);
  return {};
}

Status SafetensorsWriter::finish() {
  ASSAY_CHECK(file_ >= 0, path_, ": finish twice");
  if (bytes_appended_ != bytes_declared_) {
    return Status::error(path_, ": ", bytes_appended_, " bytes of data written, declared were ", bytes_declared_);
  }
  if (::fsync(file_) != 0) return Status::error(temporary_, ": ", system_error());
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return Status::error(path_, ": ", system_error());
  ::close(std::exchange(file_, -1));
  return {};
}

Status write_safetensors(const std::string& path, const std::vector<std::pair<std::string, Tensor>>& tensors,
                         const SafetensorsMetadata& metadata) {
  std::vector<SafetensorsDeclaration> declarations;
  for (const auto& [name, tensor] : tensors) declarations.push_back({name, tensor.dtype(), tensor.shape()});
  Result<SafetensorsWriter> writer = SafetensorsWriter::create(path, declarations, metadata);
  if (!writer.ok()) return writer.status();
  for (const auto& [name, tensor] : tensors) ASSAY_RETURN_IF_ERROR(writer.value().append(tensor.raw(), tensor.bytes()));
  return writer.value().finish();
}

}  // namespace assay::io
