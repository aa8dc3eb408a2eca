// SPDX-License-Identifier: Apache-2.0
// The data sets that a path stands for: benchmarks come as folders of categories and of lists.
#pragma once

#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/dataset/open.h"

namespace assay::dataset {

// What to give to open_dataset.
struct Source {
  std::string path;
  Options options;
};

// Of a folder that holds MVTec categories each of these, of a folder of lists (Real-IAD's realiad_jsons_fuiad_0.1) each
// .json and .csv in it, of a VisA csv each object, of anything else that open_dataset reads the path itself; sorted by
// name. `options` holds for each but for the category, which, where it is not empty, is the only one wanted. An error
// where the path cannot be read or is a folder of neither kind.
Result<std::vector<Source>> find_sources(const std::string& path, const Options& options);

}  // namespace assay::dataset
