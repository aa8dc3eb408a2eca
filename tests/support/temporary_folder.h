// SPDX-License-Identifier: Apache-2.0
// A folder of its own for a test that writes files, removed with what is in it.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace assay::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* parent = std::getenv("TEST_TMPDIR");  // Bazel's
    path_ = (parent ? std::filesystem::path(parent) : std::filesystem::temp_directory_path()) / "assay-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", path_, {});
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  // The path of `name` in it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  int64_t num_entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::string path_;
};

}  // namespace assay::testing
