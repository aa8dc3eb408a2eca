// SPDX-License-Identifier: Apache-2.0
// Runs the programs made from *.cases and compares what they deliver.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim/opcodes/cases.h"
#include "tests/cuda_sim/opcodes/run_kernel.h"

namespace assay::cuda_sim::opcodes {
namespace {

int num_bytes(Kind kind) {
  switch (kind) {
    case Kind::k_b16:
    case Kind::k_f16:
    case Kind::k_bf16:
      return 2;
    case Kind::k_b64:
    case Kind::k_f64:
      return 8;
    default:
      return 4;
  }
}

template <class To>
To bits(uint64_t raw) {
  To value;
  std::memcpy(&value, &raw, sizeof value);
  return value;
}

double f16_value(uint32_t raw) {
  const int exponent = raw >> 10 & 31;
  const int mantissa = raw & 1023;
  const double magnitude = exponent == 31
                               ? (mantissa ? NAN : INFINITY)
                               : std::ldexp(exponent ? 1024 + mantissa : mantissa, (exponent ? exponent : 1) - 25);
  return raw & 0x8000 ? -magnitude : magnitude;
}

double value_of(Kind kind, uint64_t raw) {
  switch (kind) {
    case Kind::k_f64:
      return bits<double>(raw);
    case Kind::k_f16:
      return f16_value(static_cast<uint32_t>(raw));
    case Kind::k_bf16:
      return bits<float>(raw << 16);
    default:
      return bits<float>(raw);
  }
}

bool holds(const Check& check, uint64_t found) {
  switch (check.rule) {
    case Rule::kSame:
      return found == check.expected;
    case Rule::kNan:
      return std::isnan(value_of(check.kind, found));
    case Rule::kAnything:
      return true;
    case Rule::kNear:
      break;
  }
  const double value = value_of(check.kind, found), expected = value_of(check.kind, check.expected);
  if (std::isnan(expected)) return std::isnan(value);
  if (std::isinf(expected) || expected == 0) return found == check.expected;
  const double unit = check.kind == Kind::k_f16 || check.kind == Kind::k_bf16 ? 0x1p-7 : 0x1p-20;
  return std::fabs(value - expected) <= unit * std::fabs(expected);
}

std::string hex(uint64_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

TEST_CASE("instructions deliver what the manual says") {
  for (int i = 0; i < kNumPrograms; ++i) {
    const Program& program = kPrograms[i];
    const std::vector<uint32_t> input(kInput + program.first_word, kInput + program.first_word + program.num_words);
    const std::vector<unsigned char> output =
        run_kernel(program.kernel, program.num_threads, input, program.output_bytes);
    for (int k = 0; k < program.num_checks; ++k) {
      const Check& check = kChecks[program.first_check + k];
      uint64_t found = 0;
      std::memcpy(&found, output.data() + check.offset, num_bytes(check.kind));
      INFO(std::string(check.what) << ": found " << hex(found) << ", expected " << hex(check.expected));
      CHECK(holds(check, found));
    }
    std::string faults;
    for (const Report& report : take_reports()) faults += fault_name(report.fault);
    INFO(std::string(program.kernel));
    CHECK(faults == program.report);
  }
}

}  // namespace
}  // namespace assay::cuda_sim::opcodes
