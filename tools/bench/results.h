// SPDX-License-Identifier: Apache-2.0
// What the benchmark prints: a header, a row for each case; reading them again, and ratios to an earlier run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/base/status.h"

namespace assay::bench {

struct Row {
  std::string kernel, shape, dtype, arithmetic, device;
  double min_us = 0, median_us = 0, p95_us = 0;
  double gbyte_per_s = 0, gflop_per_s = 0;
  std::string bound = "";                       // "compute", "memory", or "" where no limit was measured
  std::optional<double> roofline_percent = {};  // of the limit
  std::optional<double> vs_base = {};           // times that the base takes longer
};

// The value below which that fraction of them lies.
double percentile(std::vector<double> values, double fraction);

// The cells of one line of csv; quotes around a cell may hold commas.
std::vector<std::string> csv_cells(const std::string& line);

// The csv of an earlier run.
class EarlierRun {
 public:
  // `machine` is this run's line about its device and settings. Errors: no such file, not a csv of this program, and
  // one of another machine.
  static Result<EarlierRun> read(const std::string& path, const std::string& machine);
  bool has(const std::string& kernel, const std::string& shape) const;
  // {min, median} in microseconds.
  std::pair<double, double> times(const std::string& kernel, const std::string& shape) const;

 private:
  std::map<std::pair<std::string, std::string>, std::pair<double, double>> times_;
};

enum class Format { kTable, kCsv };

// With two columns more where rows are compared: vs_min and vs_median, the earlier run's time by this run's.
void print_columns(Format format, bool compared);
void print_row(const Row& row, Format format, const EarlierRun* earlier);

}  // namespace assay::bench
