// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/summary.h"

#include <doctest/doctest.h>

#include <cmath>

#include "pipeline/benchmark/sample_results.h"

namespace assay::pipeline {
namespace {

using doctest::Approx;

TEST_CASE("a spread is the mean and the deviation of a sample") {
  CHECK_FALSE(spread_of({}).has_value());
  CHECK(spread_of({3}).value().mean == 3);
  CHECK_FALSE(spread_of({3}).value().deviation.has_value());
  CHECK(spread_of({1, 2, 6}).value().mean == Approx(3));
  CHECK(spread_of({1, 2, 6}).value().deviation.value() == Approx(std::sqrt((4 + 1 + 9) / 2.0)));
}

TEST_CASE("every row on every set has its mean over the seeds, and the share of the gap that it closes") {
  const std::vector<SummaryLine> lines = summarise(sample_results());
  REQUIRE(lines.size() == 12);
  const SummaryLine& two_stage = lines[3 + 1];  // screw, alpha 0.4
  CHECK(two_stage.set == 1);
  CHECK(two_stage.row == 1);
  CHECK(two_stage.num_seeds == 2);
  CHECK(two_stage.figures[kImageAuroc].value().mean == Approx(0.95));
  CHECK(two_stage.figures[kImageAuroc].value().deviation.value() == Approx(0.01 * std::sqrt(2)));
  CHECK(two_stage.closed_image_auroc.value() == Approx(0.8));
  CHECK(two_stage.closed_pixel_aupro.value() == Approx(0.8));
  CHECK_FALSE(two_stage.figures[kStage1Auroc].has_value());
  CHECK(two_stage.figures[kSeconds].value().mean == Approx(10.5));
}

TEST_CASE("nothing is closed where there is no gap, no reference, or the row is one") {
  BenchmarkResults r = sample_results();
  std::vector<SummaryLine> lines = summarise(r);
  CHECK_FALSE(lines[1].closed_image_auroc.has_value());  // alpha 0: single is as good as clean
  CHECK_FALSE(lines[3].closed_image_auroc.has_value());
  CHECK_FALSE(lines[5].closed_image_auroc.has_value());
  r.rows[1].detector = "padim";
  CHECK_FALSE(summarise(r)[4].closed_image_auroc.has_value());
}

TEST_CASE("a cell that failed or was not reached has no part in the means") {
  BenchmarkResults r = sample_results();
  for (Cell& cell : r.cells) {
    if (cell.set != 1 || cell.seed != 1 || cell.row == 2) continue;
    cell.result = {};
    cell.failure = cell.row == 1 ? "out of memory" : "";
  }
  const std::vector<SummaryLine> lines = summarise(r);
  CHECK(lines[4].num_seeds == 1);
  CHECK(lines[4].num_failed == 1);
  CHECK(lines[3].num_failed == 0);
  CHECK(lines[4].figures[kImageAuroc].value().mean == Approx(0.94));
  CHECK_FALSE(lines[4].figures[kImageAuroc].value().deviation.has_value());
}

TEST_CASE("a row is held against the best single stage of each set, where it compares worst") {
  BenchmarkResults r = sample_results();
  for (Cell& cell : r.cells) {
    if (cell.set == 2 && cell.row == 1) cell.result["image_auroc"] = 0.80;  // tile, alpha 0: single has 0.87
  }
  const std::vector<SummaryLine> lines = summarise(r);
  CHECK(worst_against_single(r, lines, 1, {1, 3}).value() == Approx(0.08));
  CHECK(worst_against_single(r, lines, 1, {0, 1, 2, 3}).value() == Approx(-0.07));
  CHECK(worst_against_single(r, lines, 0, {0, 1, 2, 3}).value() == 0);
  r.rows[0].is_single = false;
  CHECK_FALSE(worst_against_single(r, lines, 1, {1}).has_value());
}

TEST_CASE("the mean over sets spreads over seeds, and a seed without one of the sets does not count") {
  BenchmarkResults r = sample_results();
  const Spread mean = mean_over_sets(r, 0, kImageAuroc, {1, 3}).value();
  CHECK(mean.mean == Approx((0.87 + 0.77) / 2));
  CHECK(mean.deviation.value() == Approx(0.01 * std::sqrt(2)));
  r.cells.back().result = {};  // tile, alpha 0.4, seed 1, clean
  CHECK(mean_over_sets(r, 2, kImageAuroc, {1, 3}).value().mean == Approx(0.91));
  CHECK_FALSE(mean_over_sets(r, 2, kImageAuroc, {1, 3}).value().deviation.has_value());
  CHECK_FALSE(mean_over_sets(r, 0, kStage1Auroc, {1}).has_value());
}

}  // namespace
}  // namespace assay::pipeline
