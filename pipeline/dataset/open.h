// SPDX-License-Identifier: Apache-2.0
// Opens a data set of any known kind.
#pragma once

#include <string>

#include "kernels/base/status.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

struct Options {
  Kind kind = Kind::kAuto;
  std::string root;      // lists: folder that the paths are relative to; empty: see the readers. Folders: must be empty
  std::string category;  // VisA: which object; MVTec: subfolder of `path`; must be empty for the others
};

// Opens a folder or a list. Kind::kAuto: a folder that holds folders `train` and `test` is MVTec, another one a plain
// folder; `.json` is Real-IAD; `.csv` is VisA where its header has the column `object`, else a list of ours.
// An image that a list names and that does not exist is left out and reported as a problem. Errors: no image at all, a
// list that is malformed, the same id twice, a path that leaves the root (absolute, or by `..`), limits exceeded
// (256 MiB, 10 million images). Lists are untrusted; their every size is checked. Reads no image.
Result<Opened> open_dataset(const std::string& path, const Options& options = {});

}  // namespace assay::dataset
