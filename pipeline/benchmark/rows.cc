// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/rows.h"

#include <set>
#include <sstream>

namespace assay::pipeline {
namespace {

struct Stage {
  const char* name;
  std::vector<std::string> flags;
};

const std::vector<Stage>& stage_list() {
  static const std::vector<Stage> list = {{"single", {"--single-stage"}},
                                          {"two-stage", {}},
                                          {"ensemble", {"--ensemble"}},
                                          {"clean", {"--single-stage", "--clean-by-labels"}}};
  return list;
}

Result<Stage> find_stage(const std::string& name) {
  std::string known;
  for (const Stage& stage : stage_list()) {
    if (name == stage.name) return stage;
    known += (known.empty() ? "" : ", ") + std::string(stage.name);
  }
  return Status::error("stage '", name, "': expected one of ", known);
}

std::string without_spaces_around(const std::string& s) {
  const size_t begin = s.find_first_not_of(" \t\r");
  return begin == std::string::npos ? "" : s.substr(begin, s.find_last_not_of(" \t\r") + 1 - begin);
}

}  // namespace

Result<std::vector<BenchmarkRow>> rows_of_stages(const std::vector<std::string>& detectors,
                                                 const std::vector<std::string>& stages) {
  std::vector<BenchmarkRow> rows;
  for (size_t d = 0; d == 0 || d < detectors.size(); ++d) {
    for (const std::string& name : stages) {
      const Result<Stage> stage = find_stage(name);
      if (!stage.ok()) return stage.status();
      BenchmarkRow row = {name, stage.value().flags};
      if (!detectors.empty()) {
        row.name = detectors[d] + " " + name;
        row.flags.insert(row.flags.begin(), "--detector=" + detectors[d]);
      }
      rows.push_back(row);
    }
  }
  return rows;
}

Result<std::vector<BenchmarkRow>> vary(const std::vector<BenchmarkRow>& rows,
                                       const std::vector<std::string>& variations) {
  std::vector<BenchmarkRow> all;
  for (const BenchmarkRow& row : rows) {
    all.push_back(row);
    for (const std::string& variation : variations) {
      const size_t equals = variation.find('=');
      const std::string flag = variation.substr(0, equals);
      if (equals == std::string::npos || flag.empty() || equals + 1 == variation.size()) {
        return Status::error("'", variation, "': expected FLAG=VALUE,VALUE...");
      }
      std::istringstream values(variation.substr(equals + 1));
      for (std::string value; std::getline(values, value, ',');) {
        BenchmarkRow varied = row;
        varied.name += " " + flag + "=" + value;
        varied.flags.push_back("--" + flag + "=" + value);
        all.push_back(varied);
      }
    }
  }
  return all;
}

Result<std::vector<BenchmarkRow>> parse_rows(std::string_view text, const std::string& file) {
  std::vector<BenchmarkRow> rows;
  std::istringstream lines{std::string(text)};
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    line = without_spaces_around(line);
    if (line.empty() || line[0] == '#') continue;
    const size_t colon = line.find(':');
    const std::string name = without_spaces_around(line.substr(0, colon));
    if (colon == std::string::npos || name.empty()) {
      return Status::error(file, ": line ", number, ": expected NAME: FLAGS of assay run");
    }
    BenchmarkRow row = {name, {}};
    std::istringstream words(line.substr(colon + 1));
    for (std::string flag; words >> flag;) row.flags.push_back(flag);
    rows.push_back(row);
  }
  return rows;
}

Status check_rows(const std::vector<BenchmarkRow>& rows) {
  if (rows.empty()) return Status::error("no rows to compare");
  std::set<std::string> names;
  for (const BenchmarkRow& row : rows) {
    if (!names.insert(row.name).second) return Status::error("two rows have the name '", row.name, "'");
  }
  return Status();
}

}  // namespace assay::pipeline
