// SPDX-License-Identifier: Apache-2.0
// The noise protocol: rows on sets under seeds, each such cell a run of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/benchmark/results.h"
#include "pipeline/run/options.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

struct BenchmarkPlan {
  std::vector<BenchmarkSet> sets;
  std::vector<BenchmarkRow> rows;
  std::vector<uint64_t> seeds;
  std::string out;
};

// What a row's flags say, without data and seed.
using MakeRunOptions = std::function<Result<RunOptions>(const BenchmarkRow& row)>;

struct BenchmarkOutcome {
  BenchmarkResults results;
  int64_t num_computed = 0;  // cells that ran in this call, to whatever end
  int64_t num_failed = 0;    // cells without a result; the tables have their reasons
};

inline constexpr char kMarkdownFile[] = "table.md";
inline constexpr char kCsvFile[] = "table.csv";
inline constexpr char kJsonFile[] = "table.json";
inline constexpr char kCurvesFile[] = "curves.svg";

// Runs every cell in `out`/cells, or takes its result where an earlier call has left one of the same configuration,
// data, labels and version of the program. Of a cell's folder all is kept but the model, which is large. Cells of the
// same images share their features (RunOptions::feature_cache; where that is empty, `out`/features). A cell that fails
// does not keep the others from running. The tables are written after every set; curves.svg where there is a curve.
// Errors: `out` cannot be written, a row means nothing, the caller asked to stop (kInterrupted; the same call goes on).
Result<BenchmarkOutcome> run_benchmark(const BenchmarkPlan& plan, const MakeRunOptions& make_options,
                                       Progress* progress);

}  // namespace assay::pipeline
