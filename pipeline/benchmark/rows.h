// SPDX-License-Identifier: Apache-2.0
// What a benchmark compares: a row is a name and the flags of `assay run` that it stands for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/status.h"

namespace assay::pipeline {

struct BenchmarkRow {
  std::string name;
  std::vector<std::string> flags;  // "--keep=0.4"
};

// Every detector with every stage, "padim two-stage"; without detectors the stages alone, of whatever detector there is
// by default. A stage is single (one detector of all images), two-stage, ensemble (the sub-models of stage 1), or clean
// (one detector of the truly normal images).
Result<std::vector<BenchmarkRow>> rows_of_stages(const std::vector<std::string>& detectors,
                                                 const std::vector<std::string>& stages);

// Each row, and of each row and each value one more: "two-stage keep=0.4". A variation is "keep=auto,0.4": one flag of
// `assay run` and its values. One flag differs from the row at a time: what an ablation shows; for combinations there
// are files of rows.
Result<std::vector<BenchmarkRow>> vary(const std::vector<BenchmarkRow>& rows,
                                       const std::vector<std::string>& variations);

// One row a line, "name: --flag=value --flag"; empty lines and those that begin with # mean nothing. `file` is for
// messages.
Result<std::vector<BenchmarkRow>> parse_rows(std::string_view text, const std::string& file);

// An error where there are none, or two of one name.
Status check_rows(const std::vector<BenchmarkRow>& rows);

}  // namespace assay::pipeline
