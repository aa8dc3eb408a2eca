// SPDX-License-Identifier: Apache-2.0
// What all readers share: paths become ids, files are looked for, duplicates are found, ids are sorted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

inline constexpr int64_t kMaxListBytes = int64_t{256} << 20;
inline constexpr int64_t kMaxImages = 10'000'000;

// `path` without "." and empty parts, ".." resolved by name. Errors: empty, absolute, leaves
// the root, contains a NUL, longer than 4095 bytes.
Result<std::string> normalise_id(const std::string& path);

// Last part of a path; the folder's name for "a/b/" too. Empty for "" and "/".
std::string base_name(const std::string& path);
// The part before base_name: "." for a name alone, "/" for "/a".
std::string parent_folder(const std::string& path);
bool is_folder(const std::string& path);        // follows links
bool is_regular_file(const std::string& path);  // follows links

class Builder {
 public:
  // where(split, position) names an entry in messages; `position` is what the reader passed to add().
  using Where = std::function<std::string(Split, int64_t)>;
  Builder(std::string name, Kind kind, std::string root, Where where);

  // `image` and truth.mask are relative to the root; the mask may be empty.
  Status add(const std::string& image, Split split, Truth truth, int64_t position);
  void add_problem(std::string where, std::string reason);
  // Leaves out what does not exist. To be called once.
  Result<Opened> finish();

 private:
  struct Entry {
    Item item;
    Truth truth;
    int64_t position;
  };
  Status check_duplicates() const;

  Opened opened_;
  Where where_;
  std::vector<Entry> entries_;
};

}  // namespace assay::dataset
