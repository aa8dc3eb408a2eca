// SPDX-License-Identifier: Apache-2.0
// Means and spreads over seeds, per set and over sets.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "pipeline/benchmark/results.h"

namespace assay::pipeline {

// A member of a run's result, and how a table shows it.
struct Figure {
  const char* member;
  const char* title;
  const char* column;  // in files for programs
};
inline constexpr std::array<Figure, 7> kFigures = {{{"image_auroc", "I-AUROC", "image_auroc"},
                                                    {"pixel_auroc", "P-AUROC", "pixel_auroc"},
                                                    {"pixel_aupro", "P-AUPRO", "pixel_aupro"},
                                                    {"stage1_auroc", "stage 1 ranks, AUROC", "stage1_auroc"},
                                                    {"alpha", "alpha, measured", "alpha_measured"},
                                                    {"alpha_kept", "anomalous among the kept", "alpha_kept"},
                                                    {"seconds", "seconds", "seconds"}}};
// Places in kFigures.
inline constexpr size_t kImageAuroc = 0, kPixelAuroc = 1, kPixelAupro = 2, kStage1Auroc = 3, kAlpha = 4, kAlphaKept = 5,
                        kSeconds = 6;

// Of the values of several seeds.
struct Spread {
  double mean = 0;
  std::optional<double> deviation;  // standard, of a sample (n - 1); absent for one value
};
std::optional<Spread> spread_of(const std::vector<double>& values);

// A row on a set.
struct SummaryLine {
  size_t set = 0;
  size_t row = 0;
  int num_seeds = 0;  // that have a result
  int num_failed = 0;
  std::array<std::optional<Spread>, kFigures.size()> figures;
  // (row - single) / (clean - single), of means. Single is the first single-stage row of the row's detector, clean the
  // first oracle. Absent without both, for these two, and where the gap is under a point (0.01).
  std::optional<double> closed_image_auroc, closed_pixel_aupro;
};
// By set, then row.
std::vector<SummaryLine> summarise(const BenchmarkResults& results);

// How far a row is from the best single stage that is no oracle, of any detector, where it compares worst: the least
// difference of mean image AUROC over the sets. Absent without such a row, and where a result is.
std::optional<double> worst_against_single(const BenchmarkResults& results, const std::vector<SummaryLine>& lines,
                                           size_t row, const std::vector<size_t>& sets);

// A row's mean over the sets; its spread is that of the seeds' means. A seed that lacks one of these
// sets has no part in it. Absent where no seed is left.
std::optional<Spread> mean_over_sets(const BenchmarkResults& results, size_t row, size_t figure,
                                     const std::vector<size_t>& sets);

}  // namespace assay::pipeline
