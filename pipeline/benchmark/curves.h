// SPDX-License-Identifier: Apache-2.0
// The results of a benchmark as curves against alpha.
#pragma once

#include <string>

#include "pipeline/benchmark/results.h"

namespace assay::pipeline {

// An SVG: image AUROC and AUPRO in percent, a line for each row, bars of a standard deviation over the seeds to both
// sides. A pair of charts for each category, and first one for the mean over the categories where there are several and
// each has the alpha; of more than kMaxCategories the mean alone. Empty where no set has two alphas with results.
inline constexpr size_t kMaxCategories = 6;
std::string curves_svg(const BenchmarkResults& results);

}  // namespace assay::pipeline
