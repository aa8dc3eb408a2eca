// SPDX-License-Identifier: Apache-2.0
// Against scikit-learn and scikit-image: tests/golden/metrics.json, made by tests/golden/make_metrics_golden.py.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/metrics/metrics.h"

namespace assay {
namespace {

using nlohmann::json;

json golden() {
  std::ifstream file("tests/golden/metrics.json");
  REQUIRE(file.good());
  return json::parse(file);
}

void check_value(const std::optional<double>& found, const json& expected, const char* name) {
  CAPTURE(name);
  REQUIRE(found.has_value() == !expected.is_null());
  // A few hundred terms of size one, each rounded a few times.
  if (found) CHECK(std::abs(*found - expected.get<double>()) <= 1e-13);
}

void check_rank(const RankMetrics& found, const json& expected) {
  check_value(found.auroc, expected["auroc"], "auroc");
  check_value(found.ap, expected["ap"], "ap");
  check_value(found.f1max, expected["f1max"], "f1max");
}

TEST_CASE("AUROC, AP and F1-max are those of scikit-learn") {
  const json cases = golden()["rank"];
  REQUIRE(cases.size() == 8);
  for (const json& c : cases) {
    CAPTURE(c["name"].get<std::string>());
    const auto scores = c["scores"].get<std::vector<float>>();
    const auto labels = c["labels"].get<std::vector<uint8_t>>();
    check_rank(rank_metrics(scores.data(), labels.data(), static_cast<int64_t>(scores.size())), c["expected"]);
  }
}

TEST_CASE("pixel metrics are those of scikit-learn over regions of scikit-image") {
  const json cases = golden()["pixel"];
  REQUIRE(cases.size() == 8);
  for (const json& c : cases) {
    CAPTURE(c["name"].get<std::string>());
    std::vector<std::vector<float>> scores;
    std::vector<std::vector<uint8_t>> masks;
    std::vector<PixelView> views;
    for (const json& image : c["images"]) {
      scores.emplace_back();
      masks.emplace_back();
      for (const json& row : image["scores"]) {
        for (const json& v : row) scores.back().push_back(v.get<float>());
      }
      for (const json& row : image["mask"]) {
        for (const json& v : row) masks.back().push_back(v.get<uint8_t>());
      }
      const int64_t height = static_cast<int64_t>(image["mask"].size());
      const int64_t width = static_cast<int64_t>(image["mask"][0].size());
      views.push_back({nullptr, nullptr, height, width});
    }
    for (size_t i = 0; i < views.size(); ++i) {
      views[i].scores = scores[i].data();
      views[i].mask = masks[i].data();
    }
    const PixelMetrics found = pixel_metrics(views);
    const json& expected = c["expected"];
    check_rank(found.rank, expected);
    check_value(found.aupro, expected["aupro"], "aupro");
    check_value(found.aupro_200, expected["aupro_200"], "aupro_200");
    CHECK(found.num_regions == expected["num_regions"].get<int64_t>());
  }
}

}  // namespace
}  // namespace assay
