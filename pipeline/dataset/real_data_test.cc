// SPDX-License-Identifier: Apache-2.0
// The development images, where ASSAY_DATA names their folder: counts as its README states them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "pipeline/dataset/open.h"

namespace assay::dataset {
namespace {

struct Counts {
  int normal = 0, anomalous = 0, masks = 0;
};

Counts count(const Opened& opened, Split split) {
  Counts counts;
  for (const std::string& id : opened.dataset.ids(split)) {
    const Truth& truth = opened.truth.of(id);
    counts.normal += truth.label == 0;
    counts.anomalous += truth.label == 1;
    counts.masks += !truth.mask.empty();
  }
  return counts;
}

void check_counts(const Counts& counts, int normal, int anomalous) {
  CHECK(counts.normal == normal);
  CHECK(counts.anomalous == anomalous);
  CHECK(counts.masks == anomalous);
}

TEST_CASE("the development images are read as folders and as lists") {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) {
    MESSAGE("skipped: ASSAY_DATA is not set");
    return;
  }
  const Opened folder = open_dataset(std::string(data) + "/magnetic_tile").value();
  CHECK(folder.dataset.kind == Kind::kMvtec);
  CHECK(folder.problems.empty());
  check_counts(count(folder, Split::kTrain), 723, 0);
  check_counts(count(folder, Split::kTest), 229, 388);

  Options options;
  options.root = data;
  const Opened list = open_dataset(std::string(data) + "/fuiad/magnetic_tile_alpha0.2.csv", options).value();
  CHECK(list.dataset.kind == Kind::kCsv);
  CHECK(list.problems.empty());
  check_counts(count(list, Split::kTrain), 382, 95);
  check_counts(count(list, Split::kTest), 229, 197);
}

}  // namespace
}  // namespace assay::dataset
