// SPDX-License-Identifier: Apache-2.0
// The commands of `assay`. Each lives in a file of its own: parse, call, print.
#pragma once

#include <string>
#include <vector>

#include "tools/assay/flags.h"

namespace assay::tools {

// Exit codes of the program.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;  // after one line `error: ...` on stderr
inline constexpr int kUsage = 2;   // the command line is wrong

struct Command {
  const char* name;
  const char* operands;  // "DATA --out RUN"
  const char* summary;   // one line
  std::vector<Flag> (*flags)();
  int min_operands;
  int max_operands;
  int (*run)(const Flags& flags);
};

// The commands, in the order of the help.
const std::vector<Command>& command_list();

// Prints `error: message` and returns kFailed.
int fail(const std::string& message);
// The same for what is wrong on the command line.
int fail_usage(const std::string& message);

std::vector<Flag> run_command_flags();
int run_command(const Flags& flags);
std::vector<Flag> purify_command_flags();
int purify_command(const Flags& flags);
std::vector<Flag> score_command_flags();
int score_command(const Flags& flags);
std::vector<Flag> eval_command_flags();
int eval_command(const Flags& flags);
std::vector<Flag> demo_command_flags();
int demo_command(const Flags& flags);
std::vector<Flag> plan_command_flags();
int plan_command(const Flags& flags);
std::vector<Flag> benchmark_command_flags();
int benchmark_command(const Flags& flags);
std::vector<Flag> import_weights_command_flags();
int import_weights_command(const Flags& flags);
std::vector<Flag> info_command_flags();
int info_command(const Flags& flags);

}  // namespace assay::tools
