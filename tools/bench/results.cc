// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/results.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace assay::bench {
namespace {

struct Column {
  const char* name;
  int width;  // of the table; negative: to the left
};
constexpr Column kColumns[] = {{"kernel", -30}, {"shape", -24},    {"dtype", -8},  {"arithmetic", -10}, {"device", -6},
                               {"min_us", 11},  {"median_us", 11}, {"p95_us", 11}, {"GB/s", 8},         {"GFLOP/s", 9},
                               {"bound", -7},   {"roofline%", 9},  {"vs_base", 7}};
constexpr Column kComparisonColumns[] = {{"vs_min", 7}, {"vs_median", 9}};

std::string number(double value, int decimals) {
  char digits[64];
  std::snprintf(digits, sizeof(digits), "%.*f", decimals, value);
  return digits;
}

std::string number(const std::optional<double>& value, int decimals) { return value ? number(*value, decimals) : ""; }

// Cells and columns in step; the table shows "-" where the csv has nothing.
void print_line(const std::vector<std::string>& cells, Format format) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (format == Format::kCsv) {
      line += (i > 0 ? "," : "") + (cells[i].find(',') == std::string::npos ? cells[i] : "\"" + cells[i] + "\"");
      continue;
    }
    const Column& column = i < std::size(kColumns) ? kColumns[i] : kComparisonColumns[i - std::size(kColumns)];
    char padded[128];
    std::snprintf(padded, sizeof(padded), "%*s", column.width, cells[i].empty() ? "-" : cells[i].c_str());
    line += (i > 0 ? " " : "") + std::string(padded);
  }
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

}  // namespace

double percentile(std::vector<double> values, double fraction) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(fraction * static_cast<double>(values.size() - 1) + 0.5)];
}

void print_columns(Format format, bool compared) {
  std::vector<std::string> names;
  for (const Column& column : kColumns) names.push_back(column.name);
  if (compared) {
    for (const Column& column : kComparisonColumns) names.push_back(column.name);
  }
  print_line(names, format);
}

void print_row(const Row& r, Format format, const EarlierRun* earlier) {
  std::vector<std::string> cells = {r.kernel,
                                    r.shape,
                                    r.dtype,
                                    r.arithmetic,
                                    r.device,
                                    number(r.min_us, 2),
                                    number(r.median_us, 2),
                                    number(r.p95_us, 2),
                                    number(r.gbyte_per_s, 2),
                                    number(r.gflop_per_s, 1),
                                    r.bound,
                                    number(r.roofline_percent, 1),
                                    number(r.vs_base, 2)};
  if (earlier != nullptr) {
    const auto [min_us, median_us] = earlier->times(r.kernel, r.shape);
    cells.push_back(number(min_us / r.min_us, 3));
    cells.push_back(number(median_us / r.median_us, 3));
  }
  print_line(cells, format);
}

std::vector<std::string> csv_cells(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

Result<EarlierRun> EarlierRun::read(const std::string& path, const std::string& machine) {
  std::ifstream file(path);
  if (!file) return Status::error(path, ": cannot be read");
  EarlierRun earlier;
  std::vector<std::string> columns;
  std::string header;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("# ", 0) == 0) {
      if (header.empty()) header = line.substr(2);
      continue;
    }
    const std::vector<std::string> cells = csv_cells(line);
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    const auto cell = [&](const char* name) {
      const auto at = std::find(columns.begin(), columns.end(), name) - columns.begin();
      return at < static_cast<int64_t>(cells.size()) ? cells[at] : std::string();
    };
    const double min_us = std::atof(cell("min_us").c_str()), median_us = std::atof(cell("median_us").c_str());
    if (cell("kernel").empty() || !(min_us > 0) || !(median_us > 0)) {
      return Status::error(path, ": not written by bench --csv: '", line, "'");
    }
    earlier.times_[{cell("kernel"), cell("shape")}] = {min_us, median_us};
  }
  if (earlier.times_.empty()) return Status::error(path, ": holds no case");
  if (header != machine) {
    return Status::error(path, ": measured on '", header, "', but this is '", machine, "'");
  }
  return earlier;
}

bool EarlierRun::has(const std::string& kernel, const std::string& shape) const {
  return times_.count({kernel, shape}) > 0;
}

std::pair<double, double> EarlierRun::times(const std::string& kernel, const std::string& shape) const {
  return times_.at({kernel, shape});
}

}  // namespace assay::bench
