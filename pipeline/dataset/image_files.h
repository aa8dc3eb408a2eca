// SPDX-License-Identifier: Apache-2.0
// The image files below a folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

// True for png, jpg, jpeg, bmp, tga, pgm and ppm, in upper, lower or mixed case.
bool has_image_extension(const std::string& name);

struct ImageFiles {
  std::vector<std::string> paths;  // relative to the root, sorted bytewise
  std::vector<Problem> problems;   // folders that cannot be read, links that lead nowhere
  int64_t num_others = 0;          // visible files that are no images
  std::string other_example;       // one of them
};

// Searches root/below recursively (`below` may be empty), links followed. Hidden files and folders (".x") are
// skipped. A folder that is reached again, by a link, is read once, under the name that sorts first; so loops end. A
// file with several names has several paths. Error: root/below cannot be read, or holds more than 10 million images.
Result<ImageFiles> list_image_files(const std::string& root, const std::string& below);

}  // namespace assay::dataset
