// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/runner.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

struct TouchArgs {
  char* memory;
};
std::vector<char*> touched;
const KernelTable<TouchArgs> touch = {"touch", [](const TouchArgs& args) { touched.push_back(args.memory); }, nullptr};

constexpr int64_t kBytes = 1000;

// Counts its sets of buffers; each of kBytes.
Case touching(int* sets, const char* name, bool right) {
  return {name, "8", 8, 8, [=]() -> PreparedCase {
            ++*sets;
            const auto memory = std::make_shared<Buffer<char>>(kBytes);
            return {[=] { launch(touch, {memory->data()}); }, [=] { return right; }};
          }};
}

RunOptions options(int repeats, int64_t rotate_bytes) {
  return {1, repeats, Clock::kWall, /*on_gpu=*/false, rotate_bytes, 0, /*measure_limits=*/false};
}

TEST_CASE("a case is timed on one set of buffers after the other") {
  touched.clear();
  int sets = 0;
  const Result<Row> row = run_case(touching(&sets, "touch/all", true), options(6, 3 * kBytes));
  REQUIRE(row.ok());
  CHECK(sets == 4);
  REQUIRE(touched.size() == 7);  // one verified, six timed
  const std::vector<char*> one_round(touched.begin() + 1, touched.begin() + 5);
  for (size_t i = 0; i < 6; ++i) CHECK(touched[1 + i] == one_round[i % 4]);
  for (char* memory : one_round) CHECK(std::count(one_round.begin(), one_round.end(), memory) == 1);
  CHECK(one_round[0] != touched[0]);  // the set just used comes last
  CHECK(one_round[3] == touched[0]);
  CHECK(row.value().arithmetic == "float32");
  CHECK(row.value().dtype == "f32");
  CHECK(!row.value().roofline_percent.has_value());
  CHECK(row.value().bound.empty());
  CHECK(!row.value().vs_base.has_value());
}

TEST_CASE("buffers larger than what is to be rotated are used again and again") {
  touched.clear();
  int sets = 0;
  REQUIRE(run_case(touching(&sets, "touch", true), options(2, kBytes - 1)).ok());
  CHECK(sets == 1);
  CHECK(touched == std::vector<char*>(3, touched[0]));
}

TEST_CASE("a row holds the case against the limit of its arithmetic, and its base against the case") {
  int sets = 0;
  RunOptions o = options(2, 1);
  o.measure_limits = true;
  Case c = touching(&sets, "touch", true);
  c.flop = 1e12;  // far above what memory asks for
  c.arithmetic = Arithmetic::kFloat64;
  c.prepare_base = c.prepare;
  const Result<Row> row = run_case(c, o);
  REQUIRE(row.ok());
  CHECK(row.value().bound == "compute");
  CHECK(row.value().arithmetic == "float64");
  CHECK(row.value().roofline_percent.value() > 100);  // nobody does that much in no time
  CHECK(row.value().vs_base.value() > 0);
}

TEST_CASE("a wrong answer, and a case that runs another kernel than it says, are no rows") {
  int sets = 0;
  CHECK(run_case(touching(&sets, "touch", false), options(1, 1)).message() ==
        "touch:8 gives a wrong answer: not timed");
  CHECK(run_case(touching(&sets, "touch_more", true), options(1, 1)).message() == "touch_more:8 runs touch: not timed");
  CHECK(sets == 2);
  Case c = touching(&sets, "touch", true);
  c.prepare_base = touching(&sets, "touch", false).prepare;
  CHECK(run_case(c, options(1, 1)).message() == "the base of touch:8 gives a wrong answer: not timed");
}

TEST_CASE("a base has a rotation of its own") {
  touched.clear();
  int sets = 0, base_sets = 0;
  Case c = touching(&sets, "touch", true);
  c.prepare_base = touching(&base_sets, "touch", true).prepare;
  REQUIRE(run_case(c, options(2, 3 * kBytes)).ok());
  CHECK(sets == 4);
  CHECK(base_sets == 4);
  CHECK(touched.size() == 6);  // each verified once and timed twice
}

}  // namespace
}  // namespace assay::bench
