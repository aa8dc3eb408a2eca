// SPDX-License-Identifier: Apache-2.0
// Tensors of a state dict that PyTorch's torch.save has written: the zip form (PyTorch 1.6 and later) and the older one
// that many published weights still have. No Python and nothing of the file is executed (pickle.h). Files are
// untrusted: every length, offset, stride and shape is checked before anything of its size is allocated. Errors name
// the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/byte_source.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::io {

// How an element lies in the file.
enum class PytorchElement { kFloat32, kFloat16, kBFloat16, kFloat64, kInt64, kInt32, kInt16, kInt8, kUInt8, kBool };

struct PytorchEntry {
  std::string name;
  PytorchElement element;
  Shape shape;
  std::vector<int64_t> strides;  // in elements, >= 0
  int64_t begin;                 // of its first element, bytes from the start of the file
};

class PytorchReader {
 public:
  // The root must be a dict of tensors, or a dict in which exactly one value is ("state_dict", "model", ...).
  static Result<PytorchReader> open(const std::string& path);
  // Whether the file begins as one of the two forms does.
  static Result<bool> is_pytorch_file(const std::string& path);

  // In the order of the dict. Values that are no tensors are left out.
  const std::vector<PytorchEntry>& entries() const { return entries_; }
  const PytorchEntry* find(std::string_view name) const;
  // A dense float32 copy. Floating types are converted (float64 is rounded), integers must be exact in float32.
  Result<Tensor> read(std::string_view name, const char* tag) const;

 private:
  PytorchReader() = default;
  std::string name_;
  std::unique_ptr<ByteSource> source_;
  std::vector<PytorchEntry> entries_;
  std::map<std::string, size_t, std::less<>> index_;
};

int64_t element_bytes(PytorchElement element);

}  // namespace assay::io
