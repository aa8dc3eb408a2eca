// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/dataset.h"

namespace assay::dataset {

const char* to_string(Split split) { return split == Split::kTrain ? "train" : "test"; }

const char* to_string(Kind kind) {
  switch (kind) {
    case Kind::kAuto:
      return "auto";
    case Kind::kFolder:
      return "folder";
    case Kind::kMvtec:
      return "mvtec";
    case Kind::kCsv:
      return "csv";
    case Kind::kVisa:
      return "visa";
    case Kind::kRealIad:
      return "realiad";
  }
  return "?";
}

std::vector<std::string> Dataset::ids(Split split) const {
  std::vector<std::string> found;
  for (const Item& item : items) {
    if (item.is_in(split)) found.push_back(item.id);
  }
  return found;
}

}  // namespace assay::dataset
