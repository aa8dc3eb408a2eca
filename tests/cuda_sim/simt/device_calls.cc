// SPDX-License-Identifier: Apache-2.0
// Calls from device code that are neither memory nor synchronisation: printf, assert, trap, clock.
#include <cstdio>
#include <string>

#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

std::string read_string(Thread& thread, uint64_t address, const SourceLine* where) {
  std::string text;
  if (address == 0) return "(null)";
  while (true) {
    const char letter = static_cast<char>(*generic_access(thread, address++, 1, 1, Access::kRead, where));
    if (letter == '\0') return text;
    text += letter;
  }
}

// Reads printf's arguments one after the other: each at a multiple of its size, as nvcc lays them out.
class Arguments {
 public:
  Arguments(Thread& thread, uint64_t address, const SourceLine* where)
      : thread_(thread), next_(address), where_(where) {}

  template <class T>
  T take() {
    next_ = (next_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    T value;
    std::memcpy(&value, generic_access(thread_, next_, sizeof(T), sizeof(T), Access::kRead, where_), sizeof(T));
    next_ += sizeof(T);
    return value;
  }

 private:
  Thread& thread_;
  uint64_t next_;
  const SourceLine* where_;
};

template <class... Values>
std::string formatted(const std::string& format, Values... values) {
  char text[512];
  std::snprintf(text, sizeof text, format.c_str(), values...);
  return text;
}

// One conversion, from '%' to its letter, with '*' replaced by numbers.
struct Conversion {
  std::string flags;  // "%-08.3"
  bool is_long = false;
  char letter = '\0';
};

Conversion read_conversion(const std::string& format, size_t& position, Arguments& arguments, int& num_arguments) {
  Conversion conversion;
  conversion.flags = "%";
  for (++position; position < format.size(); ++position) {
    const char letter = format[position];
    if (letter == '*') {
      conversion.flags += std::to_string(arguments.take<int32_t>());
      ++num_arguments;
    } else if (letter == 'l' || letter == 'j' || letter == 'z' || letter == 't') {
      conversion.is_long = true;
    } else if (std::string("hLq").find(letter) != std::string::npos) {
      if (letter == 'q') conversion.is_long = true;
    } else if (std::string("-+ #0123456789.").find(letter) != std::string::npos) {
      conversion.flags += letter;
    } else {
      conversion.letter = letter;
      ++position;
      break;
    }
  }
  return conversion;
}

std::string converted(Thread& thread, const Conversion& conversion, Arguments& arguments, const SourceLine* where) {
  const std::string& flags = conversion.flags;
  switch (conversion.letter) {
    case 'd':
    case 'i':
      return formatted(flags + "lld", static_cast<long long>(conversion.is_long ? arguments.take<int64_t>()
                                                                                : arguments.take<int32_t>()));
    case 'u':
    case 'o':
    case 'x':
    case 'X':
      return formatted(flags + "ll" + conversion.letter,
                       static_cast<unsigned long long>(conversion.is_long ? arguments.take<uint64_t>()
                                                                          : arguments.take<uint32_t>()));
    case 'c':
      return formatted(flags + "c", arguments.take<int32_t>());
    case 'p':
      return formatted(flags + "p", reinterpret_cast<void*>(arguments.take<uint64_t>()));
    case 's':
      return formatted(flags + "s", read_string(thread, arguments.take<uint64_t>(), where).c_str());
    case 'a':
    case 'A':
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return formatted(flags + conversion.letter, arguments.take<double>());
    default:
      fail(thread, Fault::kUnsupported, where, "printf: no conversion '%s%c'", flags.c_str(), conversion.letter);
  }
}

}  // namespace

int device_printf(Thread& thread, uint64_t format_address, uint64_t argument_address, const SourceLine* where) {
  const std::string format = read_string(thread, format_address, where);
  Arguments arguments(thread, argument_address, where);
  std::string text;
  int num_arguments = 0;
  for (size_t position = 0; position < format.size();) {
    if (format[position] != '%') {
      text += format[position++];
      continue;
    }
    const Conversion conversion = read_conversion(format, position, arguments, num_arguments);
    if (conversion.letter == '%') {
      text += '%';
      continue;
    }
    text += converted(thread, conversion, arguments, where);
    ++num_arguments;
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return num_arguments;
}

void device_assert(Thread& thread, uint64_t message, uint64_t file, uint32_t line, uint64_t function,
                   const SourceLine* where) {
  const std::string condition = read_string(thread, message, where);
  const std::string file_name = read_string(thread, file, where);
  const std::string function_name = read_string(thread, function, where);
  fail(thread, Fault::kAssert, where, "`%s` is false, %s:%u in %s", condition.c_str(), file_name.c_str(), line,
       function_name.c_str());
}

void device_trap(Thread& thread, const SourceLine* where) {
  fail(thread, Fault::kTrap, where, "the kernel executed a trap");
}

void device_exit(Thread& thread) { block_of(thread).exit_thread(thread); }

void report_unsupported(Thread& thread, const char* what, const SourceLine* where) {
  fail(thread, Fault::kUnsupported, where, "%s", what);
}

uint64_t clock64(const Thread& thread) { return block_of(thread).tick(); }

void yield(Thread& thread) { block_of(thread).yield(thread); }

}  // namespace assay::cuda_sim
