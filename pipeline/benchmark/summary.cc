// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace assay::pipeline {
namespace {

constexpr double kLeastGap = 0.01;

std::optional<double> value_of(const Cell& cell, size_t figure) {
  const auto found = cell.result.find(kFigures[figure].member);
  if (found == cell.result.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

// The first row that `is` holds for, of the same detector.
template <class Is>
std::optional<size_t> first_row(const BenchmarkResults& results, const std::string& detector, const Is& is) {
  for (size_t r = 0; r < results.rows.size(); ++r) {
    if (results.rows[r].detector == detector && is(results.rows[r])) return r;
  }
  return std::nullopt;
}

std::optional<double> closed(const SummaryLine& line, const SummaryLine& single, const SummaryLine& clean,
                             size_t figure) {
  const auto &row = line.figures[figure], &low = single.figures[figure], &high = clean.figures[figure];
  if (!row || !low || !high) return std::nullopt;
  const double gap = high->mean - low->mean;
  if (gap < kLeastGap) return std::nullopt;
  return (row->mean - low->mean) / gap;
}

}  // namespace

std::optional<Spread> spread_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  const auto count = static_cast<double>(values.size());
  Spread spread;
  for (const double v : values) spread.mean += v / count;
  if (values.size() == 1) return spread;
  double squares = 0;
  for (const double v : values) squares += (v - spread.mean) * (v - spread.mean);
  spread.deviation = std::sqrt(squares / (count - 1));
  return spread;
}

std::vector<SummaryLine> summarise(const BenchmarkResults& results) {
  const size_t num_rows = results.rows.size();
  std::vector<SummaryLine> lines(results.sets.size() * num_rows);
  std::vector<std::array<std::vector<double>, kFigures.size()>> values(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    lines[i].set = i / num_rows;
    lines[i].row = i % num_rows;
  }
  for (const Cell& cell : results.cells) {
    const size_t at = cell.set * num_rows + cell.row;
    lines[at].num_seeds += !cell.result.is_null();
    lines[at].num_failed += !cell.failure.empty();
    for (size_t f = 0; f < kFigures.size(); ++f) {
      if (const std::optional<double> v = value_of(cell, f)) values[at][f].push_back(*v);
    }
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    for (size_t f = 0; f < kFigures.size(); ++f) lines[i].figures[f] = spread_of(values[i][f]);
  }
  for (SummaryLine& line : lines) {
    const std::string& detector = results.rows[line.row].detector;
    const auto single = first_row(results, detector, [](const ComparedRow& r) { return r.is_single && !r.is_oracle; });
    const auto clean = first_row(results, detector, [](const ComparedRow& r) { return r.is_oracle; });
    if (!single || !clean || line.row == *single || line.row == *clean) continue;
    const SummaryLine &low = lines[line.set * num_rows + *single], &high = lines[line.set * num_rows + *clean];
    line.closed_image_auroc = closed(line, low, high, kImageAuroc);
    line.closed_pixel_aupro = closed(line, low, high, kPixelAupro);
  }
  return lines;
}

std::optional<double> worst_against_single(const BenchmarkResults& results, const std::vector<SummaryLine>& lines,
                                           size_t row, const std::vector<size_t>& sets) {
  const size_t num_rows = results.rows.size();
  std::optional<double> worst;
  for (const size_t set : sets) {
    const std::optional<Spread>& own = lines[set * num_rows + row].figures[kImageAuroc];
    std::optional<double> best;
    for (size_t r = 0; r < num_rows; ++r) {
      const std::optional<Spread>& other = lines[set * num_rows + r].figures[kImageAuroc];
      if (!results.rows[r].is_single || results.rows[r].is_oracle) continue;
      if (!other) return std::nullopt;
      best = std::max(best.value_or(other->mean), other->mean);
    }
    if (!own || !best) return std::nullopt;
    worst = std::min(worst.value_or(own->mean - *best), own->mean - *best);
  }
  return worst;
}

std::optional<Spread> mean_over_sets(const BenchmarkResults& results, size_t row, size_t figure,
                                     const std::vector<size_t>& sets) {
  std::map<uint64_t, std::vector<double>> by_seed;
  for (const Cell& cell : results.cells) {
    if (cell.row != row || std::count(sets.begin(), sets.end(), cell.set) == 0) continue;
    if (const std::optional<double> v = value_of(cell, figure)) by_seed[cell.seed].push_back(*v);
  }
  std::vector<double> means;
  for (const auto& [seed, values] : by_seed) {
    if (values.size() == sets.size()) means.push_back(spread_of(values)->mean);
  }
  return spread_of(means);
}

}  // namespace assay::pipeline
