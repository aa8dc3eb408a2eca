// SPDX-License-Identifier: Apache-2.0
// A folder of images: all are for training, nothing is known about any.
#pragma once

#include <string>

#include "kernels/base/status.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

// Searched as list_image_files says. Error: no image in it.
Result<Opened> read_folder(const std::string& root);

}  // namespace assay::dataset
