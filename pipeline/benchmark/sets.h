// SPDX-License-Identifier: Apache-2.0
// What a benchmark runs on: categories, each with training sets of several alphas.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/dataset/injection.h"
#include "pipeline/dataset/open.h"

namespace assay::pipeline {

struct BenchmarkSet {
  std::string category;
  double alpha = 0;  // by name (x_alpha0.1.csv, a folder fuiad_0.1), as injected, or measured, to two digits
  std::string data;
  dataset::Options dataset;
  std::optional<dataset::Injection> injection;
};

// The images of a set, counted.
struct SetCounts {
  int64_t train_normal = 0, train_anomalous = 0;
  int64_t test_normal = 0, test_anomalous = 0;
  int64_t trained_and_tested = 0;  // test images whose bytes are a training image's
};

// By labels and splits: trained_and_tested, which takes the images' bytes, is left at 0. An image without a label
// counts as normal.
SetCounts count_images(const dataset::Opened& opened);

// "magnetic_tile, alpha 0.1"
std::string name_of(const BenchmarkSet& set);

struct SetRequest {
  std::vector<std::string> paths;       // dataset::find_sources
  dataset::Options dataset;             // of each
  std::vector<std::string> categories;  // the wanted ones; empty: all
  std::vector<double> alphas;           // the wanted ones; empty: all that there are
  dataset::Injection injection;         // how; alpha and up_to come from the alphas
};

// Sets sorted by category and alpha. A list whose name has an alpha, or whose training images hold anomalies, is one
// set as it is; of any other data set each of the alphas is injected. Errors: what open_dataset says, labels that are
// missing, test images that are not of both kinds, the same category and alpha twice, a category or an alpha that
// no data have. Reads no image.
Result<std::vector<BenchmarkSet>> find_benchmark_sets(const SetRequest& request);

}  // namespace assay::pipeline
