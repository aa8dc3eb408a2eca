// SPDX-License-Identifier: Apache-2.0
// The results of a benchmark for readers, for spreadsheets and for programs. README.md describes them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/benchmark/results.h"

namespace assay::pipeline {

// Percent; what the rows and the data are, means over sets, each set, what failed and why.
std::string markdown_tables(const BenchmarkResults& results);
// One line a set and row: fractions, means and deviations; empty where there is no value.
std::string csv_table(const BenchmarkResults& results);
// The same with every cell's own result.
nlohmann::ordered_json json_tables(const BenchmarkResults& results);

}  // namespace assay::pipeline
