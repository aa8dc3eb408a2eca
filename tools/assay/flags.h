// SPDX-License-Identifier: Apache-2.0
// Command-line flags: declared once in a table that drives parsing, --help and the echoed configuration.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/base/status.h"

namespace assay::tools {

enum class FlagType { kBool, kInt, kFloat, kBytes, kText, kTexts };

struct Flag {
  const char* name;           // without the dashes
  FlagType type;              // kBytes: a number with an optional K, M, G (powers of 1024); kTexts: given repeatedly
  const char* default_value;  // as text; "" where there is none
  const char* values;         // shown in the help: "mean|max" (then nothing else is accepted) or a name such as "N"
  double min_value;           // of kInt, kFloat and kBytes
  double max_value;
  const char* help;  // one line: what it does, its unit
};

// What the user said, checked against the table: every value has the flag's type and lies in its range.
class Flags {
 public:
  // `args` come after the command's name: --name=value, --name value, --bool, --no-bool, operands, and "--" before
  // operands that begin with a dash. Errors name the flag, what was found and what was expected.
  static Result<Flags> parse(const std::vector<Flag>& table, const std::vector<std::string>& args);

  const std::vector<std::string>& operands() const { return operands_; }
  bool given(const std::string& name) const;  // on the command line, not by default
  bool boolean(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  double number(const std::string& name) const;
  int64_t bytes(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  // In the order of the command line.
  const std::vector<std::string>& texts(const std::string& name) const;
  // The value of a flag of any type but kTexts, as parse() would read it again.
  const std::string& written(const std::string& name) const { return values_.at(name); }

 private:
  const std::string& value(const std::string& name, FlagType type) const;

  std::map<std::string, std::string> values_;
  std::map<std::string, std::vector<std::string>> texts_;
  std::map<std::string, FlagType> types_;
  std::map<std::string, bool> given_;
  std::vector<std::string> operands_;
};

// One line per flag, aligned, with its default.
std::string help_text(const std::vector<Flag>& table);

}  // namespace assay::tools
