// SPDX-License-Identifier: Apache-2.0
// Which images there are. Every image has an id: its path relative to the root, '/' between folders. Scores, subsets
// and selections travel by id.
//
// This is all that training gets; what is known about the images lies in ground_truth.h, a library of its own, which
// only evaluation may depend on. Ids too give labels away (`test/scratch/7.png`), by their text and by their sorted
// order: training may compare ids and open their files, nothing else, and must shuffle before it cuts.
#pragma once

#include <string>
#include <vector>

namespace assay::dataset {

enum class Split { kTrain, kTest };
enum class Kind { kAuto, kFolder, kMvtec, kCsv, kVisa, kRealIad };

const char* to_string(Split split);  // "train", "test"
const char* to_string(Kind kind);    // "auto", "folder", "mvtec", "csv", "visa", "realiad"

struct Item {
  std::string id;  // bytes as the file system has them, not necessarily UTF-8; no "." or ".." in it, never absolute
  Split split = Split::kTrain;
  bool also_tested = false;  // of a training image: it is a test image, too (injection.h)

  bool is_in(Split wanted) const { return split == wanted || (also_tested && wanted == Split::kTest); }
};

struct Dataset {
  std::string name;  // of the folder, list or category
  Kind kind = Kind::kFolder;
  std::string root;
  std::vector<Item> items;  // sorted by id bytewise; no id occurs twice

  std::vector<std::string> ids(Split split) const;  // sorted
  std::string path_of(const std::string& id) const { return root + "/" + id; }
};

}  // namespace assay::dataset
