// SPDX-License-Identifier: Apache-2.0
#include "tools/assay/flags.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace assay::tools {
namespace {

// The whole of `s` as a number; false on trailing junk, an empty string, nan and inf.
bool to_number(const std::string& s, double* out) {
  if (s.empty()) return false;
  const char* end = s.data() + s.size();
  const auto [stop, failure] = std::from_chars(s.data(), end, *out);
  return failure == std::errc() && stop == end && std::isfinite(*out);
}

bool to_bytes(const std::string& s, double* out) {
  if (s.empty()) return false;
  const char* const units = "KMG";
  const char* unit = std::strchr(units, s.back());
  if (unit == nullptr || *unit == '\0') return to_number(s, out);
  if (!to_number(s.substr(0, s.size() - 1), out)) return false;
  for (const char* u = units; u <= unit; ++u) *out *= 1024;
  return true;
}

bool is_choice(const char* values) { return std::strchr(values, '|') != nullptr; }

bool is_among(const char* values, const std::string& s) {
  const std::string list = std::string("|") + values + "|";
  return s.find('|') == std::string::npos && list.find("|" + s + "|") != std::string::npos;
}

std::string range_text(const Flag& flag) {
  const char* kind = flag.type == FlagType::kInt     ? "an integer"
                     : flag.type == FlagType::kBytes ? "a number of bytes (K, M, G may follow)"
                                                     : "a number";
  return ::assay::text(kind, " from ", flag.min_value, " to ", flag.max_value);
}

Status check_value(const Flag& flag, const std::string& s) {
  const auto refuse = [&](const std::string& expected) {
    return Status::error("--", flag.name, "=", s, ": expected ", expected);
  };
  switch (flag.type) {
    case FlagType::kBool:
      return s == "true" || s == "false" ? Status() : refuse("true or false");
    case FlagType::kTexts:
    case FlagType::kText:
      return !is_choice(flag.values) || is_among(flag.values, s) ? Status()
                                                                 : refuse(std::string("one of ") + flag.values);
    case FlagType::kInt:
    case FlagType::kFloat:
    case FlagType::kBytes: {
      double v = 0;
      const bool read = flag.type == FlagType::kBytes ? to_bytes(s, &v) : to_number(s, &v);
      const bool whole = flag.type != FlagType::kInt || v == std::floor(v);
      return read && whole && v >= flag.min_value && v <= flag.max_value ? Status() : refuse(range_text(flag));
    }
  }
  return Status();
}

const Flag* find_flag(const std::vector<Flag>& table, const std::string& name) {
  for (const Flag& flag : table) {
    if (name == flag.name) return &flag;
  }
  return nullptr;
}

}  // namespace

Result<Flags> Flags::parse(const std::vector<Flag>& table, const std::vector<std::string>& args) {
  Flags flags;
  for (const Flag& flag : table) {
    flags.values_[flag.name] = flag.default_value;
    flags.types_[flag.name] = flag.type;
    if (flag.type == FlagType::kTexts) flags.texts_[flag.name];
  }
  bool operands_only = false;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (operands_only || arg.size() < 2 || arg[0] != '-') {
      flags.operands_.push_back(arg);
      continue;
    }
    if (arg == "--") {
      operands_only = true;
      continue;
    }
    const size_t equals = arg.find('=');
    std::string name = arg.substr(0, equals);
    name = name.substr(name.compare(0, 2, "--") == 0 ? 2 : 1);
    const Flag* flag = arg.compare(0, 2, "--") == 0 ? find_flag(table, name) : nullptr;
    std::string value;
    if (flag == nullptr && name.compare(0, 3, "no-") == 0 && equals == std::string::npos) {
      flag = find_flag(table, name.substr(3));
      if (flag != nullptr && flag->type != FlagType::kBool) flag = nullptr;
      value = "false";
    } else if (equals != std::string::npos) {
      value = arg.substr(equals + 1);
    } else if (flag != nullptr && flag->type == FlagType::kBool) {
      value = "true";
    } else if (flag != nullptr) {
      if (i + 1 == args.size()) return Status::error("--", name, ": expected a value (", flag->values, ")");
      value = args[++i];
    }
    if (flag == nullptr) return Status::error(arg.substr(0, equals), ": no such flag (see --help)");
    const bool may_repeat = flag->type == FlagType::kTexts;
    if (flags.given_[flag->name] && !may_repeat) return Status::error("--", flag->name, ": given twice");
    ASSAY_RETURN_IF_ERROR(check_value(*flag, value));
    flags.given_[flag->name] = true;
    if (may_repeat) flags.texts_[flag->name].push_back(value);
    flags.values_[flag->name] = value;
  }
  return flags;
}

bool Flags::given(const std::string& name) const {
  const auto found = given_.find(name);
  return found != given_.end() && found->second;
}

const std::string& Flags::value(const std::string& name, FlagType type) const {
  const auto found = types_.find(name);
  ASSAY_CHECK(found != types_.end() && found->second == type, "flag --", name, " is not in this command's table");
  return values_.at(name);
}

bool Flags::boolean(const std::string& name) const { return value(name, FlagType::kBool) == "true"; }

int64_t Flags::integer(const std::string& name) const {
  double v = 0;
  ASSAY_CHECK(to_number(value(name, FlagType::kInt), &v), "--", name, ": the default is not a number");
  return static_cast<int64_t>(v);
}

double Flags::number(const std::string& name) const {
  double v = 0;
  ASSAY_CHECK(to_number(value(name, FlagType::kFloat), &v), "--", name, ": the default is not a number");
  return v;
}

int64_t Flags::bytes(const std::string& name) const {
  double v = 0;
  ASSAY_CHECK(to_bytes(value(name, FlagType::kBytes), &v), "--", name, ": the default is not a number of bytes");
  return static_cast<int64_t>(v);
}

const std::string& Flags::text(const std::string& name) const { return value(name, FlagType::kText); }

const std::vector<std::string>& Flags::texts(const std::string& name) const {
  (void)value(name, FlagType::kTexts);
  return texts_.at(name);
}

std::string help_text(const std::vector<Flag>& table) {
  std::vector<std::string> left;
  size_t width = 0;
  for (const Flag& flag : table) {
    left.push_back(std::string("  --") + flag.name +
                   (flag.type == FlagType::kBool ? "" : std::string(" ") + flag.values));
    width = std::max(width, std::min<size_t>(left.back().size(), 34));
  }
  std::string out;
  for (size_t i = 0; i < table.size(); ++i) {
    const bool shows_default = table[i].type != FlagType::kBool && table[i].default_value[0] != '\0';
    out +=
        left[i] + (left[i].size() > width ? "\n" + std::string(width, ' ') : std::string(width - left[i].size(), ' '));
    out += std::string("  ") + table[i].help + (shows_default ? std::string(" [") + table[i].default_value + "]" : "") +
           "\n";
  }
  return out;
}

}  // namespace assay::tools
