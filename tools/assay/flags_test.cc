// SPDX-License-Identifier: Apache-2.0
#include "tools/assay/flags.h"

#include <doctest/doctest.h>

namespace assay::tools {
namespace {

const std::vector<Flag> kTable = {
    {"subsets", FlagType::kInt, "5", "K", 2, 64, "number of subsets"},
    {"rate", FlagType::kFloat, "0.01", "R", 0, 1, "a rate"},
    {"memory-limit", FlagType::kBytes, "4G", "BYTES", 1, 1e15, "a limit"},
    {"aggregate", FlagType::kText, "mean", "mean|max", 0, 0, "how"},
    {"out", FlagType::kText, "", "DIR", 0, 0, "where"},
    {"json", FlagType::kBool, "false", "", 0, 0, "for machines"},
    {"rescue", FlagType::kBool, "true", "", 0, 0, "on by default"},
    {"vary", FlagType::kTexts, "", "FLAG=A,B", 0, 0, "repeatable"},
};

std::string failure(const std::vector<std::string>& args) { return Flags::parse(kTable, args).message(); }

TEST_CASE("flags take both spellings, operands mix in, and defaults fill the rest") {
  const auto flags =
      Flags::parse(kTable, {"data", "--subsets=7", "--rate", "0.5", "--json", "--no-rescue", "--", "-x"});
  REQUIRE(flags.ok());
  CHECK(flags.value().operands() == std::vector<std::string>{"data", "-x"});
  CHECK(flags.value().integer("subsets") == 7);
  CHECK(flags.value().number("rate") == 0.5);
  CHECK(flags.value().bytes("memory-limit") == int64_t{4} << 30);
  CHECK(flags.value().text("aggregate") == "mean");
  CHECK(flags.value().boolean("json"));
  CHECK_FALSE(flags.value().boolean("rescue"));
  CHECK(flags.value().given("rate"));
  CHECK_FALSE(flags.value().given("aggregate"));
}

TEST_CASE("whatever does not fit the table is named, with what was expected") {
  CHECK(failure({"--subsets=0"}) == "--subsets=0: expected an integer from 2 to 64");
  CHECK(failure({"--subsets=5x"}) == "--subsets=5x: expected an integer from 2 to 64");
  CHECK(failure({"--subsets=2.5"}) == "--subsets=2.5: expected an integer from 2 to 64");
  CHECK(Flags::parse(kTable, {"--subsets=1e1"}).value().integer("subsets") == 10);
  CHECK(failure({"--subsets="}) == "--subsets=: expected an integer from 2 to 64");
  CHECK(failure({"--rate=nan"}) == "--rate=nan: expected a number from 0 to 1");
  CHECK(failure({"--aggregate=median"}) == "--aggregate=median: expected one of mean|max");
  CHECK(failure({"--aggregate=mean|max"}) == "--aggregate=mean|max: expected one of mean|max");
  CHECK(failure({"--memory-limit=4T"}).find("expected a number of bytes") != std::string::npos);
  CHECK(failure({"--json=maybe"}) == "--json=maybe: expected true or false");
  CHECK(failure({"--colour"}) == "--colour: no such flag (see --help)");
  CHECK(failure({"-v"}) == "-v: no such flag (see --help)");
  CHECK(failure({"--no-subsets"}) == "--no-subsets: no such flag (see --help)");
  CHECK(failure({"--out"}) == "--out: expected a value (DIR)");
  CHECK(failure({"--rate=0.1", "--rate=0.1"}) == "--rate: given twice");
}

TEST_CASE("a repeatable flag keeps its values in their order, and any other can be written again") {
  const Flags flags = Flags::parse(kTable, {"--vary=b=1,2", "--subsets=7", "--vary", "a=3"}).value();
  CHECK(flags.texts("vary") == std::vector<std::string>{"b=1,2", "a=3"});
  CHECK(flags.given("vary"));
  CHECK(Flags::parse(kTable, {}).value().texts("vary").empty());
  CHECK(flags.written("subsets") == "7");
  CHECK(flags.written("rescue") == "true");
  CHECK(failure({"--vary"}) == "--vary: expected a value (FLAG=A,B)");
  CHECK_THROWS_AS(flags.texts("subsets"), Error);
}

TEST_CASE("reading a flag that the table does not have is the caller's fault") {
  const Flags flags = Flags::parse(kTable, {}).value();
  CHECK_THROWS_AS(flags.integer("rate"), Error);
  CHECK_THROWS_AS(flags.text("none"), Error);
}

TEST_CASE("the help shows every flag with its values and default") {
  const std::string help = help_text(kTable);
  CHECK(help.find("--subsets K") != std::string::npos);
  CHECK(help.find("[0.01]") != std::string::npos);
  CHECK(help.find("--json ") != std::string::npos);
}

}  // namespace
}  // namespace assay::tools
