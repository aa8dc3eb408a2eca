// SPDX-License-Identifier: Apache-2.0
// The table that make_programs.py writes from *.cases.
#pragma once

#include <cstdint>

namespace assay::cuda_sim::opcodes {

enum class Kind { k_b16, k_b32, k_b64, k_f16, k_bf16, k_f16x2, k_bf16x2, k_f32, k_f64, k_pred };

enum class Rule {
  kSame,      // bit by bit
  kNear,      // relative error below 2^-20, for approximate instructions
  kNan,       // some NaN
  kAnything,  // left open by the manual
};

struct Check {
  const char* what;  // place and operands of the case
  Kind kind;
  Rule rule;
  int offset;  // of the result in the output, in bytes
  uint64_t expected;
};

struct Program {
  const char* kernel;
  int num_threads;
  int first_word;  // of the input, in kInput
  int num_words;
  int output_bytes;
  int first_check;  // in kChecks
  int num_checks;
  const char* report;  // the name of the fault that ends the launch, or ""
};

extern const uint32_t kInput[];
extern const Check kChecks[];
extern const Program kPrograms[];
extern const int kNumPrograms;

}  // namespace assay::cuda_sim::opcodes
