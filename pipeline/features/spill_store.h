// SPDX-License-Identifier: Apache-2.0
// Tensors by key, in memory up to a budget and in a file beyond it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::pipeline {

// Each key is put once and then read as often as wanted; put and get are safe from several threads at once. What a get
// returns never depends on where the tensor lies. The file has no name in its folder (it is removed when created), so
// nothing is left behind by a run that dies. It is read with pread, not mapped: a mapping would turn a file that
// cannot be read into a signal instead of an error. What comes back from the file is held against a checksum.
class SpillStore {
 public:
  // `folder` need not exist unless the budget is exceeded. `tag` names the contents in memory reports and errors.
  SpillStore(int64_t num_keys, int64_t budget_bytes, std::string folder, const char* tag);
  ~SpillStore();
  SpillStore(const SpillStore&) = delete;
  SpillStore& operator=(const SpillStore&) = delete;

  // Fails where the file cannot be made or written: no space, no permission.
  Status put(int64_t key, const Tensor& tensor);
  bool has(int64_t key) const;
  // Throws assay::Error for a key that was not put, or where the file cannot be read or gives other bytes than were
  // written.
  Tensor get(int64_t key) const;

  int64_t bytes_in_memory() const;
  int64_t bytes_in_file() const;

 private:
  struct Entry {
    Tensor in_memory;
    Shape shape;
    DType dtype = DType::kFloat32;
    int64_t offset = -1;    // in the file; -1 where in memory
    uint64_t checksum = 0;  // of what is in the file
    bool present = false;
  };
  Status open_file();

  const int64_t budget_bytes_;
  const std::string folder_;
  const char* const tag_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  int64_t memory_bytes_ = 0;
  int64_t file_bytes_ = 0;
  int file_ = -1;
};

}  // namespace assay::pipeline
