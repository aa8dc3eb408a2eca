// SPDX-License-Identifier: Apache-2.0
// Runs on tiny images, for tests: their options, their artefacts, and one run that others are compared with.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "pipeline/dataset/csv.h"
#include "pipeline/run/run.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_images.h"

namespace assay::pipeline {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::TemporaryFolder;
using testing::TinyRow;

inline const std::vector<std::string> kArtefacts = {"model.assay", "stage1.csv", "scores.csv", "metrics.json"};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE_MESSAGE(in.good(), path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// Rows by column name; every row must have all columns.
inline std::vector<std::map<std::string, std::string>> read_csv(const std::string& path) {
  const std::string text = bytes_of(path);
  dataset::CsvReader reader(text);
  std::vector<std::string> header, fields;
  REQUIRE(reader.next(&header).value());
  std::vector<std::map<std::string, std::string>> rows;
  while (reader.next(&fields).value()) {
    REQUIRE(fields.size() == header.size());
    rows.emplace_back();
    for (size_t i = 0; i < header.size(); ++i) rows.back()[header[i]] = fields[i];
  }
  return rows;
}

inline std::string first_line(const std::string& path) {
  const std::string text = bytes_of(path);
  return text.substr(0, text.find('\n'));
}

// Images and a list of them, in a folder of their own; runs go beside them.
struct TinySet {
  TemporaryFolder folder;
  std::vector<TinyRow> rows = testing::write_tiny_set(folder.path());
  int num_runs = 0;
  TinySet() { write_list(rows); }
  void write_list(const std::vector<TinyRow>& r) const { testing::write_tiny_list(folder / "list.csv", r); }
  std::string new_out() { return folder / ("run" + std::to_string(num_runs++)); }

  RunOptions options() const {
    RunOptions o;
    o.data = folder / "list.csv";
    o.features.input_size.image_size = testing::kTinySide;
    o.subsets = 3;
    o.aggregate.aggregate = Aggregate::kSupport;
    o.support_rank = 6;
    o.rescue = Rescue::kPatches;
    return o;
  }
};

inline Json run_to(const RunOptions& options, const std::string& out, RunExtent extent = RunExtent::kWhole) {
  Progress progress;
  const auto result = run(options, out, extent, &progress);
  REQUIRE_MESSAGE(result.ok(), result.message());
  return result.value();
}

inline std::string failure_of(const RunOptions& options, const std::string& out, RunExtent extent = RunExtent::kWhole) {
  Progress progress;
  const auto result = run(options, out, extent, &progress);
  return result.ok() ? "" : result.message();
}

inline void check_same_artefacts(const std::string& a, const std::string& b) {
  for (const std::string& name : kArtefacts) {
    CHECK_MESSAGE(bytes_of(a + "/" + name) == bytes_of(b + "/" + name), name);
  }
}

// What to compare a variation with: one run, made once.
struct Reference {
  TinySet set;
  std::string out = set.new_out();
  Json result = run_to(set.options(), out);
};
inline Reference& reference() {
  static Reference r;
  return r;
}

}  // namespace assay::pipeline
