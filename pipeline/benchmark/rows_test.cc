// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/rows.h"

#include <doctest/doctest.h>

namespace assay::pipeline {
namespace {

using Flags = std::vector<std::string>;

TEST_CASE("detectors and stages are crossed") {
  const auto rows = rows_of_stages({"patchcore", "padim"}, {"single", "two-stage", "clean"}).value();
  REQUIRE(rows.size() == 6);
  CHECK(rows[0].name == "patchcore single");
  CHECK(rows[0].flags == Flags{"--detector=patchcore", "--single-stage"});
  CHECK(rows[4].name == "padim two-stage");
  CHECK(rows[4].flags == Flags{"--detector=padim"});
  CHECK(rows[5].flags == Flags{"--detector=padim", "--single-stage", "--clean-by-labels"});
  const auto of_default = rows_of_stages({}, {"ensemble"}).value();
  REQUIRE(of_default.size() == 1);
  CHECK(of_default[0].name == "ensemble");
  CHECK(of_default[0].flags == Flags{"--ensemble"});
  CHECK(rows_of_stages({}, {"third"}).message().find("single, two-stage, ensemble, clean") != std::string::npos);
}

TEST_CASE("an ablation varies one flag at a time") {
  const auto rows = vary({{"two-stage", {}}}, {"subsets=2,10", "keep=auto,0.4"}).value();
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].name == "two-stage");
  CHECK(rows[1].name == "two-stage subsets=2");
  CHECK(rows[2].flags == Flags{"--subsets=10"});
  CHECK(rows[4].flags == Flags{"--keep=0.4"});
  for (const char* wrong : {"subsets", "subsets=", "=2"}) {
    CHECK(vary({{"two-stage", {}}}, {wrong}).message().find("FLAG=VALUE") != std::string::npos);
  }
}

TEST_CASE("a file of rows has a name and flags on each line") {
  const auto rows = parse_rows("# comment\n\n default:\r\npaper 0.2: --subsets=3  --keep=0.2\n", "rows.txt").value();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].name == "default");
  CHECK(rows[0].flags.empty());
  CHECK(rows[1].name == "paper 0.2");
  CHECK(rows[1].flags == Flags{"--subsets=3", "--keep=0.2"});
  CHECK(parse_rows("a: --x\nb --y\n", "rows.txt").message().find("rows.txt: line 2") == 0);
  CHECK(parse_rows(": --x\n", "rows.txt").message().find("rows.txt: line 1") == 0);
}

TEST_CASE("no row and two rows of one name are errors") {
  CHECK_FALSE(check_rows({}).ok());
  CHECK(check_rows({{"a", {}}, {"a", {"--x"}}}).message().find("'a'") != std::string::npos);
  CHECK(check_rows({{"a", {}}, {"b", {}}}).ok());
}

}  // namespace
}  // namespace assay::pipeline
