// SPDX-License-Identifier: Apache-2.0
// A tree of made-up files in a folder of its own, removed at the end: for tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "pipeline/dataset/opened.h"
#include "tests/support/temporary_folder.h"

namespace assay::dataset {

class TestTree {
 public:
  const std::string& root() const { return folder_.path(); }
  std::string operator()(const std::string& path) const { return folder_ / path; }
  void file(const std::string& path, const std::string& text = "") const {
    std::filesystem::create_directories(std::filesystem::path((*this)(path)).parent_path());
    std::ofstream((*this)(path), std::ios::binary) << text;
  }
  void files(const std::vector<std::string>& paths) const {
    for (const std::string& path : paths) file(path);
  }
  void link(const std::string& path, const std::string& target) const {
    std::filesystem::create_symlink(target, (*this)(path));
  }

 private:
  assay::testing::TemporaryFolder folder_;
};

// One line per image, "train id label mask defect", '-' for what is empty.
inline std::vector<std::string> lines_of(const Opened& opened) {
  std::vector<std::string> lines;
  for (const Item& item : opened.dataset.items) {
    const Truth& truth = opened.truth.of(item.id);
    lines.push_back(std::string(to_string(item.split)) + " " + item.id + " " + std::to_string(truth.label) + " " +
                    (truth.mask.empty() ? "-" : truth.mask) + " " + (truth.defect.empty() ? "-" : truth.defect));
  }
  return lines;
}

}  // namespace assay::dataset
