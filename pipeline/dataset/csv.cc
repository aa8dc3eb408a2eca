// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/csv.h"

#include <utility>

#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {
constexpr size_t kMaxFields = 1000;  // a field costs 32 bytes, a comma one: a file of commas must stay harmless
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

CsvReader::CsvReader(std::string_view text) : text_(text) {
  if (text_.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;
}

bool CsvReader::at_line_end() const {
  return text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
}

void CsvReader::skip_line_end() {
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
}

Result<bool> CsvReader::next(std::vector<std::string>* fields) {
  fields->clear();
  while (at_ < text_.size() && at_line_end()) skip_line_end();
  record_line_ = line_;
  if (at_ == text_.size()) return false;
  while (true) {
    if (fields->size() == kMaxFields) return Status::error("line ", line_, ": more than ", kMaxFields, " fields");
    std::string& field = fields->emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      ASSAY_RETURN_IF_ERROR(read_quoted(&field));
    } else {
      const size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != ',' && !at_line_end()) ++at_;
      field = text_.substr(begin, at_ - begin);
    }
    if (at_ == text_.size()) return true;
    if (at_line_end()) {
      skip_line_end();
      return true;
    }
    if (text_[at_] != ',') return Status::error("line ", line_, ": text after a closing quote");
    ++at_;
  }
}

Status CsvReader::read_quoted(std::string* field) {
  const int64_t opened = line_;
  ++at_;
  while (at_ < text_.size()) {
    const char c = text_[at_++];
    if (c == '"') {
      if (at_ == text_.size() || text_[at_] != '"') return {};
      ++at_;
    }
    if (c == '\n') ++line_;
    *field += c;
  }
  return Status::error("line ", opened, ": a quote is opened and never closed");
}

Result<CsvTable> CsvTable::open(std::string_view text, const std::string& name,
                                const std::vector<std::string>& required) {
  CsvTable table(text, name);
  Result<bool> header = table.reader_.next(&table.fields_);
  if (!header.ok()) return Status::error(name, ": ", header.message());
  if (!header.value()) return Status::error(name, ": the file is empty, expected a header line");
  for (size_t i = 0; i < table.fields_.size(); ++i) {
    if (!table.columns_.emplace(table.fields_[i], i).second) {
      return Status::error(name, ": line ", table.line(), ": column ", quoted(table.fields_[i]), " occurs twice");
    }
  }
  for (const std::string& column : required) {
    if (table.has(column)) continue;
    return Status::error(name, ": line ", table.line(), ": no column '", column, "' in the header");
  }
  return table;
}

Result<bool> CsvTable::next() {
  Result<bool> more = reader_.next(&fields_);
  if (!more.ok()) return Status::error(name_, ": ", more.message());
  if (more.value() && fields_.size() != columns_.size()) {
    return Status::error(name_, ": line ", line(), ": ", fields_.size(), " fields, the header has ", columns_.size());
  }
  return more;
}

const std::string& CsvTable::get(const std::string& column) const {
  static const std::string none;
  const auto found = columns_.find(column);
  return found == columns_.end() ? none : fields_[found->second];
}

}  // namespace assay::dataset
