// SPDX-License-Identifier: Apache-2.0
// Reads and writes safetensors files: named arrays and a string map in one file. FORMAT.md says what is accepted.
//
// Files are untrusted: every length, offset and shape is checked before anything of its size is allocated, and a
// tensor's bytes are looked at only when asked for. Errors name the file, what was found and what was expected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/tensor/dtype.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::io {

class ByteSource;

// A tensor as the header describes it. `begin` and `end` count bytes from the start of the data section.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kFloat32;
  Shape shape;
  int64_t begin = 0;
  int64_t end = 0;
};

using SafetensorsMetadata = std::map<std::string, std::string>;

// An open file. Move-only. Reading from many threads at once is safe.
class SafetensorsReader {
 public:
  static Result<SafetensorsReader> open(const std::string& path);
  // Reads from memory that must outlive the reader; `name` stands for the path in errors.
  static Result<SafetensorsReader> from_memory(std::string_view bytes, std::string name);

  SafetensorsReader(SafetensorsReader&&) noexcept;
  SafetensorsReader& operator=(SafetensorsReader&&) noexcept;
  ~SafetensorsReader();

  // In the order of their bytes.
  const std::vector<SafetensorsEntry>& entries() const { return entries_; }
  const SafetensorsMetadata& metadata() const { return metadata_; }
  // Null where there is no such tensor.
  const SafetensorsEntry* find(std::string_view name) const;

  // A copy of a tensor. `tag` counts its memory (engine/memory). An absent name is an error.
  Result<Tensor> read(std::string_view name, const char* tag) const;
  // The same, and an error that names both where dtype or shape are not the expected.
  Result<Tensor> read(std::string_view name, DType dtype, const Shape& shape, const char* tag) const;

 private:
  SafetensorsReader();
  Status parse();

  std::string name_;
  std::unique_ptr<ByteSource> source_;
  int64_t data_begin_ = 0;
  std::vector<SafetensorsEntry> entries_;
  std::map<std::string, size_t, std::less<>> index_;
  SafetensorsMetadata metadata_;
};

// What a file will hold, in the order in which it is written.
struct SafetensorsDeclaration {
  std::string name;
  DType dtype;
  Shape shape;
};

// Writes a file in one pass: declare all tensors, append their bytes in that order, in pieces of any size, finish. The
// file appears under its name only in finish(), whole and synchronised to the disk; an unfinished one is removed.
class SafetensorsWriter {
 public:
  static Result<SafetensorsWriter> create(const std::string& path, const std::vector<SafetensorsDeclaration>& tensors,
                                          const SafetensorsMetadata& metadata = {});
  SafetensorsWriter(SafetensorsWriter&&) noexcept;
  SafetensorsWriter& operator=(SafetensorsWriter&&) = delete;
  ~SafetensorsWriter();

  // More bytes than were declared are an error, and so is finishing with fewer.
  Status append(const void* data, size_t bytes);
  Status finish();

 private:
  SafetensorsWriter(std::string path, std::string temporary, int file, int64_t data_bytes);
  Status write(const void* data, size_t bytes);

  std::string path_;
  std::string temporary_;
  int file_ = -1;
  int64_t bytes_declared_ = 0;
  int64_t bytes_appended_ = 0;
};

// All at once.
Status write_safetensors(const std::string& path, const std::vector<std::pair<std::string, Tensor>>& tensors,
                         const SafetensorsMetadata& metadata = {});

}  // namespace assay::io
