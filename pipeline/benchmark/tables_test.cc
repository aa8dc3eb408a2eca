// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/tables.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/benchmark/curves.h"
#include "pipeline/benchmark/sample_results.h"
#include "pipeline/benchmark/svg.h"
#include "pipeline/dataset/csv.h"

namespace assay::pipeline {
namespace {

int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// An error where the tags of a file do not close each other.
std::string first_fault_of_xml(const std::string& xml) {
  std::vector<std::string> open;
  for (size_t at = xml.find('<'); at != std::string::npos; at = xml.find('<', at + 1)) {
    const size_t end = xml.find('>', at);
    if (end == std::string::npos) return "a tag without end";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    if (tag[0] == '?' || tag.back() == '/') continue;
    if (tag[0] != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return "a stray </" + tag;
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : open.back() + " is not closed";
}

TEST_CASE("the markdown says what rows and data are, and every mean with its deviation") {
  const std::string md = markdown_tables(sample_results());
  CHECK(has(md, "means and standard deviations over seeds 0, 1."));
  CHECK(has(md, "| two-stage | none |"));
  CHECK(has(md, "| clean (oracle) | `--single-stage --clean-by-labels` |"));
  CHECK(has(md, "| tile, alpha 0.4 | 100 | 40 | 40.0 % | 66.7 % | 30 + 20 | 0 | as listed |"));
  CHECK(has(md, "Mean over the 2 sets of alpha above 0"));
  CHECK(has(md, "Mean over the 2 sets of alpha 0"));
  CHECK(has(md, "| two-stage | 90.0 ± 1.4 | 90.0 ± 1.4 | 80.0 ± 1.4 | +8.0 |"));
  CHECK(has(
      md,
      "| screw | 0.4 | two-stage | 95.0 ± 1.4 | 80 % | 95.0 ± 1.4 | 85.0 ± 1.4 | 80 % | – | 0.0 ± 0.0 | 10.5 ± 0.7 |"));
  CHECK_FALSE(has(md, "Failed"));
  CHECK(count(md, "clean") == count(md, "clean (oracle)") + 1);  // the flag
}

TEST_CASE("a failure is in every table with its reason, whatever is in it") {
  BenchmarkResults r = sample_results();
  r.cells[1].result = {};
  r.cells[1].failure = "a | b\nc \xff";
  const std::string md = markdown_tables(r);
  CHECK(has(md, "| screw, alpha 0 | two-stage | 0 | a \\| b c \xff |"));
  CHECK(has(md, "two-stage (1 failed)"));
  CHECK(json_tables(r)["cells"][1]["failure"] == r.cells[1].failure);
}

TEST_CASE("injected sets say which alpha and which overlap they have") {
  BenchmarkResults r = sample_results();
  dataset::Injection& injection = r.sets[1].injection.emplace();
  injection.alpha_of = dataset::Injection::AlphaOf::kNormal;
  injection.overlap = dataset::Injection::Overlap::kKept;
  r.counts[1].trained_and_tested = 40;
  const std::string md = markdown_tables(r);
  CHECK(has(md, "| 40 | injected, alpha of the normal ones, seed 0, kept in the test images |"));
  CHECK(json_tables(r)["sets"][1]["injection"]["overlap"] == "kept");
  CHECK(has(curves_svg(r), "alpha, anomalous for each normal training image"));
}

TEST_CASE("the csv has a line for each set and row, of fractions, that reads as such") {
  BenchmarkResults r = sample_results();
  r.rows[1].row.name = "keep, \"0.4\"";
  const std::string csv = csv_table(r);
  auto table = dataset::CsvTable::open(csv, "table.csv", {"category", "alpha", "row", "oracle", "image_auroc"}).value();
  int lines = 0;
  while (table.next().value()) {
    if (++lines != 5) continue;
    CHECK(table.get("category") == "screw");
    CHECK(table.get("alpha") == "0.4");
    CHECK(table.get("row") == r.rows[1].row.name);
    CHECK(table.get("seeds") == "2");
    CHECK(std::stod(table.get("image_auroc")) == doctest::Approx(0.95));
    CHECK(std::stod(table.get("image_auroc_deviation")) == doctest::Approx(0.0141421));
    CHECK(std::stod(table.get("closed_image_auroc")) == doctest::Approx(0.8));
    CHECK(table.get("stage1_auroc").empty());
    CHECK(table.get("alpha_measured") == "0.4");
  }
  CHECK(lines == 12);
}

TEST_CASE("the JSON has the table and each cell's result, and marks oracles everywhere") {
  const nlohmann::ordered_json json = json_tables(sample_results());
  CHECK(json["table"].size() == 12);
  CHECK(json["cells"].size() == 24);
  CHECK(json["sets"].size() == 4);
  for (const char* part : {"table", "cells"}) {
    for (const auto& entry : json[part]) CHECK(entry["oracle"] == (entry["row"] == "clean"));
  }
  CHECK(json["table"][4]["image_auroc"]["mean"].get<double>() == doctest::Approx(0.95));
  CHECK(json["cells"][0]["result"]["image_auroc"].get<double>() == doctest::Approx(0.96));
}

TEST_CASE("the curves have a line for each row in each chart, bars of deviation, and a legend") {
  const std::string svg = curves_svg(sample_results());
  CHECK(first_fault_of_xml(svg) == "");
  CHECK(count(svg, "stroke-width=\"1.80\"") == 3 * 2 * 3 + 3);  // mean, screw, tile; two charts; three rows; the legend
  CHECK(count(svg, "stroke-dasharray") == 3 * 2 + 1);
  CHECK(count(svg, "stroke-width=\"1.00\"") > 3 * 2 * 3 * 2 * 3);  // a bar has three strokes
  CHECK(has(svg, ">mean of 2 categories: I-AUROC, %<"));
  CHECK(has(svg, ">tile: P-AUPRO, %<"));
  CHECK(has(svg, ">clean (oracle)<"));
  CHECK_FALSE(has(svg, "nan"));
}

TEST_CASE("there are no curves without two alphas, and results that are missing leave gaps") {
  BenchmarkResults r = sample_results();
  for (Cell& cell : r.cells) cell.result = cell.set == 1 || cell.row == 0 ? cell.result : nlohmann::ordered_json();
  CHECK(first_fault_of_xml(curves_svg(r)) == "");
  for (Cell& cell : r.cells) cell.result = cell.set == 1 ? cell.result : nlohmann::ordered_json();
  CHECK(curves_svg(r).empty());
}

TEST_CASE("text in an SVG is no markup") {
  Svg svg(10, 10);
  svg.text({0, 0}, "<b> & \"c\"\x01", 12);
  CHECK(has(svg.file(), "&lt;b&gt; &amp; &quot;c&quot;<"));
  CHECK(first_fault_of_xml(svg.file()) == "");
}

}  // namespace
}  // namespace assay::pipeline
