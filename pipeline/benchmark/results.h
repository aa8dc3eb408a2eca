// SPDX-License-Identifier: Apache-2.0
// What a benchmark has found so far.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "pipeline/benchmark/rows.h"
#include "pipeline/benchmark/sets.h"

namespace assay::pipeline {

// A row, and what its flags mean to the comparison.
struct ComparedRow {
  BenchmarkRow row;
  std::string detector;
  bool is_single = false;  // one detector of all training images
  bool is_oracle = false;  // one that was told by labels which of them are normal: a bound, no result

  // As outputs show it.
  std::string name() const { return row.name + (is_oracle ? " (oracle)" : ""); }
};

// One run.
struct Cell {
  size_t set = 0;
  size_t row = 0;
  uint64_t seed = 0;
  std::string folder;             // of the run, below the benchmark's
  nlohmann::ordered_json result;  // of pipeline::run; null where there is none
  std::string failure;            // why there is none; empty where the cell was not reached
};

struct BenchmarkResults {
  std::vector<BenchmarkSet> sets;
  std::vector<SetCounts> counts;  // of each set; zero where it was not reached
  std::vector<ComparedRow> rows;
  std::vector<uint64_t> seeds;
  std::vector<Cell> cells;  // by set, seed, row
};

}  // namespace assay::pipeline
