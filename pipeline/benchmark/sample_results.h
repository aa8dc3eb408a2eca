// SPDX-License-Identifier: Apache-2.0
// Made-up results, for tests.
#pragma once

#include <string>

#include "pipeline/benchmark/results.h"

namespace assay::pipeline {

// Two categories at alpha 0 and 0.4, rows single, two-stage and clean, seeds 0 and 1. Seed 1 is two points above seed
// 0.
inline BenchmarkResults sample_results() {
  BenchmarkResults r;
  for (const char* category : {"screw", "tile"}) {
    for (const double alpha : {0.0, 0.4}) {
      r.sets.push_back({category, alpha, std::string(category) + ".csv", {}, std::nullopt});
      r.counts.push_back({alpha > 0 ? 60 : 100, alpha > 0 ? 40 : 0, 30, 20, 0});
    }
  }
  r.rows = {{{"single", {"--single-stage"}}, "patchcore", true, false},
            {{"two-stage", {}}, "patchcore", false, false},
            {{"clean", {"--single-stage", "--clean-by-labels"}}, "patchcore", true, true}};
  r.seeds = {0, 1};
  const double lost[] = {0.10, 0.02, 0.0};  // at alpha 0.4
  for (size_t set = 0; set < r.sets.size(); ++set) {
    for (const uint64_t seed : r.seeds) {
      for (size_t row = 0; row < r.rows.size(); ++row) {
        const double auroc = (set < 2 ? 0.96 : 0.86) - (r.sets[set].alpha > 0 ? lost[row] : 0) + 0.02 * double(seed);
        Cell cell = {set, row, seed, "cells/x", {}, ""};
        cell.result = {{"image_auroc", auroc},          {"pixel_auroc", auroc},       {"pixel_aupro", auroc - 0.1},
                       {"stage1_auroc", nullptr},       {"alpha", r.sets[set].alpha}, {"alpha_kept", 0.0},
                       {"seconds", 10.0 + double(seed)}};
        r.cells.push_back(cell);
      }
    }
  }
  return r;
}

}  // namespace assay::pipeline
