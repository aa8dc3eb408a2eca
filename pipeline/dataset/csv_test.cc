// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/csv.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace assay::dataset {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// The records of `text`; the last one is {"error", message} where it ends in one.
Rows rows_of(const std::string& text, std::vector<int64_t>* lines = nullptr) {
  CsvReader reader(text);
  Rows rows;
  std::vector<std::string> fields;
  while (true) {
    Result<bool> more = reader.next(&fields);
    if (!more.ok()) rows.push_back({"error", more.message()});
    if (!more.ok() || !more.value()) return rows;
    rows.push_back(fields);
    if (lines != nullptr) lines->push_back(reader.line());
  }
}

TEST_CASE("csv: fields, empty fields, a last line with and without its end") {
  CHECK(rows_of("a,b\nc,d\n") == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of("a,b\r\nc,d") == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of(",\na,\n,b\n") == Rows{{"", ""}, {"a", ""}, {"", "b"}});
  CHECK(rows_of("a,") == Rows{{"a", ""}});
  CHECK(rows_of("").empty());
  CHECK(rows_of("\n\r\n\n").empty());
}

TEST_CASE("csv: quotes hold commas, quotes and line ends") {
  CHECK(rows_of("\"a,b\",\"say \"\"x\"\"\",\"\"\n") == Rows{{"a,b", "say \"x\"", ""}});
  CHECK(rows_of("\"a\nb\",\"c\r\nd\"\r\ne,f") == Rows{{"a\nb", "c\r\nd"}, {"e", "f"}});
  CHECK(rows_of("\"a\"") == Rows{{"a"}});
}

TEST_CASE("csv: what careless tools write is taken as it is") {
  CHECK(rows_of("\xef\xbb\xbf"
                "a,b") == Rows{{"a", "b"}});
  CHECK(rows_of("5\" disc,b") == Rows{{"5\" disc", "b"}});
  CHECK(rows_of(" a ,\tb") == Rows{{" a ", "\tb"}});
  CHECK(rows_of("a\rb,c") == Rows{{"a\rb", "c"}});
}

TEST_CASE("csv: lines are counted where records begin, through blank lines and quoted line ends") {
  std::vector<int64_t> lines;
  rows_of("\na\n\r\n\"b\n\n\"\nc\n", &lines);
  CHECK(lines == std::vector<int64_t>{2, 4, 7});
}

TEST_CASE("csv: an open quote, text after a quote and too many fields are errors with their line") {
  CHECK(rows_of("a\n\"b\nc") == Rows{{"a"}, {"error", "line 2: a quote is opened and never closed"}});
  CHECK(rows_of("a\n\"b\"c") == Rows{{"a"}, {"error", "line 2: text after a closing quote"}});
  CHECK(rows_of(std::string(999, ',')).at(0).size() == 1000);
  CHECK(rows_of(std::string(1000, ',')) == Rows{{"error", "line 1: more than 1000 fields"}});
}

TEST_CASE("a table finds columns in any order and says what its header lacks") {
  const std::string text = "path,other,split\nx,y,z\nshort\n";
  Result<CsvTable> table = CsvTable::open(text, "l.csv", {"split", "path"});
  REQUIRE(table.ok());
  CHECK(table.value().has("other"));
  CHECK(!table.value().has("label"));
  REQUIRE(table.value().next().value());
  CHECK(table.value().get("split") == "z");
  CHECK(table.value().get("path") == "x");
  CHECK(table.value().get("label").empty());
  CHECK(table.value().next().message() == "l.csv: line 3: 1 fields, the header has 3");
  CHECK(CsvTable::open("", "l.csv", {}).message() == "l.csv: the file is empty, expected a header line");
  CHECK(CsvTable::open("a,b", "l.csv", {"split"}).message() == "l.csv: line 1: no column 'split' in the header");
  CHECK(CsvTable::open("\na,b,a", "l.csv", {}).message() == "l.csv: line 2: column 'a' occurs twice");
}

TEST_CASE("csv_field quotes what a reader would take apart, and the reader gives it back") {
  CHECK(csv_field("plain.png") == "plain.png");
  for (const std::string text : {"a,b", "say \"no\"", "two\nlines", "", "\""}) {
    const std::string record = csv_field(text) + ",end\n";
    CsvReader reader(record);
    std::vector<std::string> fields;
    REQUIRE(reader.next(&fields).value());
    CHECK(fields == std::vector<std::string>{text, "end"});
  }
}

}  // namespace
}  // namespace assay::dataset
