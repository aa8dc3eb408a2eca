// SPDX-License-Identifier: Apache-2.0
// VisA's split_csv/*.csv: columns object, split (train, test), label (normal, anomaly), image, mask; one list for all
// twelve objects. Source: Zou et al. 2022, github.com/amazon-science/spot-diff.
#pragma once

#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/dataset/list_source.h"
#include "pipeline/dataset/opened.h"

namespace assay::dataset {

// True where the header has the column `object`.
bool looks_like_visa(const ListSource& source);

// The objects of the list, sorted. An error where a row is malformed.
Result<std::vector<std::string>> visa_objects(const ListSource& source);

// Images of one object. `category` may be empty where the list has one object only; else the error names those it has.
// Problems and limits concern the chosen object's rows; a malformed row of any object is an error.
Result<Opened> read_visa(const ListSource& source, const std::string& category);

}  // namespace assay::dataset
