// SPDX-License-Identifier: Apache-2.0
// A list with the columns split, path and, where known, label and mask; in any order, others are ignored.
//   split: train or test; path, mask: relative to the root; label: 0 normal, 1 anomalous, empty or -1 unknown
// The defect's name is the folder that holds an anomalous image.
#pragma once

#include "kernels/base/status.h"
#include "pipeline/dataset/list_source.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

Result<Opened> read_csv_list(const ListSource& source);

}  // namespace assay::dataset
