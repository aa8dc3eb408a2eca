// SPDX-License-Identifier: Apache-2.0
// Where the storages of a PyTorch file lie, and the tensors that its state dict describes. Part of pytorch_file.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/io/byte_source.h"
#include "engine/io/pickle.h"
#include "engine/io/pytorch_file.h"

namespace assay::io {

constexpr int64_t kMaxPickleBytes = int64_t{4} << 20;  // the largest published state dicts have a tenth of it

struct StorageRange {
  int64_t begin;  // bytes from the start of the file
  int64_t bytes;
};

struct PytorchLayout {
  PickleTree tree;                               // of the saved object
  std::map<std::string, StorageRange> storages;  // by key
};

// Errors do not name the file.
Result<PytorchLayout> read_zip_layout(const ByteSource& source);
Result<PytorchLayout> read_legacy_layout(const ByteSource& source);

// The storages that a saved object refers to, and what their elements are.
struct StorageReference {
  std::string key;
  PytorchElement element;
  int64_t elements;
};
Result<StorageReference> storage_reference(PickleRef persistent);

// The tensors of the state dict in the tree.
Result<std::vector<PytorchEntry>> state_dict_entries(const PytorchLayout& layout);

}  // namespace assay::io
