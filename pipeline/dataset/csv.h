// SPDX-License-Identifier: Apache-2.0
// Comma-separated values after RFC 4180, as people's tools write them: a UTF-8 byte order mark, CRLF or LF, blank
// lines (skipped), quotes inside a field that does not begin with one (taken as they are).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/status.h"

namespace assay::dataset {

// A field as a record holds it: in quotes where it has a comma, a quote or a line end.
std::string csv_field(std::string_view text);

class CsvReader {
 public:
  explicit CsvReader(std::string_view text);  // `text` must outlive the reader
  // Reads the next record; false at the end. Error: text after a closing quote, or a quote that is never closed.
  Result<bool> next(std::vector<std::string>* fields);
  int64_t line() const { return record_line_; }  // where the record read last begins, from 1

 private:
  Status read_quoted(std::string* field);
  bool at_line_end() const;
  void skip_line_end();

  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
  int64_t record_line_ = 1;
};

// A csv with a header: rows by column name.
class CsvTable {
 public:
  // `name` is for messages. Error: no header, a column name twice, a missing column of `required`.
  static Result<CsvTable> open(std::string_view text, const std::string& name,
                               const std::vector<std::string>& required);
  bool has(const std::string& column) const { return columns_.count(column) > 0; }
  // Error: malformed, or a number of fields other than the header's.
  Result<bool> next();
  // The field of the row read last; empty where there is no such column.
  const std::string& get(const std::string& column) const;
  int64_t line() const { return reader_.line(); }

 private:
  CsvTable(std::string_view text, std::string name) : reader_(text), name_(std::move(name)) {}

  CsvReader reader_;
  std::string name_;
  std::map<std::string, size_t> columns_;
  std::vector<std::string> fields_;
};

}  // namespace assay::dataset
