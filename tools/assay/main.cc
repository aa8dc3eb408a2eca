// SPDX-License-Identifier: Apache-2.0
// assay: finds the anomalous images among unsorted ones, trains on the rest, and scores images with the result.
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "pipeline/run/version.h"
#include "tools/assay/command.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {

const std::vector<Command>& command_list() {
  static const std::vector<Command> list = {
      {"run", "DATA --out RUN", "both stages: purify, train, score and measure", run_command_flags, 1, 1, run_command},
      {"purify", "DATA --out RUN", "stage 1 alone: the ranked list of suspicious images", purify_command_flags, 1, 1,
       purify_command},
      {"score", "MODEL IMAGES...", "scores, decisions and heatmaps of images, folders or lists", score_command_flags, 2,
       1 << 20, score_command},
      {"eval", "MODEL DATA", "metrics of a model on labelled images", eval_command_flags, 2, 2, eval_command},
      {"demo", "", "makes a small synthetic set, runs everything on it, says what it found", demo_command_flags, 0, 0,
       demo_command},
      {"plan", "DATA", "bytes and time that a run will need, before it starts", plan_command_flags, 1, 1, plan_command},
      {"benchmark", "DATA... --out DIR", "detectors and stages on contaminated training sets, in one table",
       benchmark_command_flags, 1, 1 << 20, benchmark_command},
      {"import-weights", "FILE --backbone NAME --out F", "checks a backbone's weights and writes them as safetensors",
       import_weights_command_flags, 1, 1, import_weights_command},
      {"info", "MODEL|RUN", "what is in a model or a run", info_command_flags, 1, 1, info_command},
  };
  return list;
}

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return kFailed;
}

int fail_usage(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return kUsage;
}

namespace {

void print_usage(std::FILE* to) {
  std::fprintf(to, "assay %s: finds defects after learning from images that nobody has sorted\n\nusage:\n",
               pipeline::kVersion);
  for (const Command& command : command_list()) {
    const std::string call = std::string(command.name) + " " + command.operands;
    std::fprintf(to, "  assay %-24s %s\n", call.c_str(), command.summary);
  }
  std::fprintf(to, "\n`assay COMMAND --help` lists the flags. Exit codes: 0 done, 1 failed, 2 usage.\n");
}

int run_named(const Command& command, const std::vector<std::string>& args) {
  const Result<Flags> parsed = Flags::parse(command.flags(), args);
  if (!parsed.ok()) return fail_usage(parsed.message());
  const Flags& flags = parsed.value();
  if (flags.boolean("help")) {
    std::printf("usage: assay %s %s\n%s\n\n%s", command.name, command.operands, command.summary,
                help_text(command.flags()).c_str());
    return kDone;
  }
  const int given = static_cast<int>(flags.operands().size());
  if (given < command.min_operands || given > command.max_operands) {
    return fail_usage(
        text("assay ", command.name, ": ", given, " operands, expected: assay ", command.name, " ", command.operands));
  }
  stop_on_signals();
  const Status applied = apply_common_flags(flags);
  if (!applied.ok()) return fail(applied.message());
  return command.run(flags);
}

int run_main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.empty()) {
    print_usage(stderr);
    return kUsage;
  }
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    print_usage(stdout);
    return kDone;
  }
  if (args[0] == "--version") {
    std::printf("assay %s\n", pipeline::kVersion);
    return kDone;
  }
  for (const Command& command : command_list()) {
    if (args[0] != command.name) continue;
    try {
      return run_named(command, {args.begin() + 1, args.end()});
    } catch (const std::exception& error) {
      return fail(error.what());
    }
  }
  return fail_usage(args[0] + ": no such command (see assay --help)");
}

// A result that did not get out is no success.
int flush_output(int code) {
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return is_written || code != kDone ? code : fail(text("stdout: cannot be written: ", std::strerror(errno)));
}

}  // namespace
}  // namespace assay::tools

int main(int argc, char** argv) {
  signal(SIGXFSZ, SIG_IGN);  // a file above the user's limit is an error of its write, as a full disk is
  return assay::tools::flush_output(assay::tools::run_main(argc, argv));
}
