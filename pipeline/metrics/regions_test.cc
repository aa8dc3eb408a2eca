// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/regions.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "pipeline/metrics/metrics_ref.h"

namespace assay {
namespace {

// Rows of '.' and '#'.
Regions regions_of(const std::vector<std::string>& rows) {
  std::vector<uint8_t> mask;
  for (const auto& row : rows) {
    for (const char c : row) mask.push_back(c == '#');
  }
  return connected_regions(mask.data(), static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows[0].size()));
}

TEST_CASE("pixels that touch at a corner are one region, in both diagonals") {
  CHECK(regions_of({"#...", ".#..", "..#."}).areas == std::vector<int64_t>{3});
  CHECK(regions_of({"..#.", ".#..", "#..."}).areas == std::vector<int64_t>{3});
  CHECK(regions_of({"#.#", "...", "#.#"}).areas == std::vector<int64_t>{1, 1, 1, 1});
}

TEST_CASE("arms that meet late are one region, numbered by its first pixel") {
  const Regions found = regions_of({"#.#.#", "#.#.#", "###.#"});
  CHECK(found.areas == std::vector<int64_t>{7, 3});
  CHECK(found.runs.size() == 8);
}

TEST_CASE("a row's end does not touch the next row's beginning") {
  CHECK(regions_of({"...#", "....", "#..."}).areas == std::vector<int64_t>{1, 1});
  CHECK(regions_of({"...#", "#..."}).areas == std::vector<int64_t>{1, 1});
}

TEST_CASE("every value above zero is defect, and an empty mask has no region") {
  const std::vector<uint8_t> mask{1, 255, 0, 7};
  CHECK(connected_regions(mask.data(), 1, 4).areas == std::vector<int64_t>{2, 1});
  CHECK(connected_regions(nullptr, 0, 4).areas.empty());
  CHECK(connected_regions(nullptr, 4, 0).areas.empty());
}

TEST_CASE("regions agree with a flood fill on random masks of many densities and widths") {
  std::mt19937 random(2);
  for (int trial = 0; trial < 2000; ++trial) {
    const int64_t height = random() % 20, width = 1 + random() % 40;
    const uint32_t density = random() % 100;
    std::vector<uint8_t> mask(height * width);
    for (auto& m : mask) m = random() % 100 < density ? 255 : 0;
    const std::vector<int> expected = regions_ref(mask.data(), height, width);
    const Regions found = connected_regions(mask.data(), height, width);
    std::vector<int> region(mask.size(), -1);
    std::vector<int64_t> areas(found.areas.size(), 0);
    for (const Run& run : found.runs) {
      REQUIRE(run.begin < run.end);
      areas[run.region] += run.end - run.begin;
      for (int64_t x = run.begin; x < run.end; ++x) region[run.row * width + x] = static_cast<int>(run.region);
    }
    CAPTURE(trial);
    REQUIRE(region == expected);
    REQUIRE(areas == found.areas);
  }
}

}  // namespace
}  // namespace assay
