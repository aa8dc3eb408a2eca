// SPDX-License-Identifier: Apache-2.0
// `assay run` and `assay purify`.
#include <cstdio>

#include "pipeline/run/run.h"
#include "tools/assay/command.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/print_result.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {
namespace {

int run_to(const Flags& flags, pipeline::RunExtent extent) {
  if (flags.text("out").empty()) return fail_usage("--out: expected the folder that the run is written to");
  Result<pipeline::RunOptions> options = run_options(flags.operands()[0], flags);
  if (!options.ok()) return fail_usage(options.message());
  const Status experiment = apply_experiment_flags(flags, &options.value());
  if (!experiment.ok()) return fail_usage(experiment.message());
  const std::string& out = flags.text("out");
  ConsoleProgress progress(flags.boolean("quiet"));
  const auto result = pipeline::run(options.value(), out, extent, &progress);
  if (!result.ok() && result.message() == pipeline::kInterrupted) {
    return fail("interrupted; the same command continues the run in " + out);
  }
  if (!result.ok()) return fail(result.message());
  if (flags.boolean("json")) {
    std::printf("%s\n", result.value().dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    print_result(result.value(), out, extent);
  }
  return kDone;
}

std::vector<Flag> flags_with_out() {
  const std::vector<Flag> out = {
      {"out", FlagType::kText, "", "RUN", 0, 0, "folder of the run; an unfinished run there continues"}};
  return join({out, data_flags(), training_flags(), experiment_flags(), common_flags()});
}

}  // namespace

std::vector<Flag> run_command_flags() { return flags_with_out(); }
int run_command(const Flags& flags) { return run_to(flags, pipeline::RunExtent::kWhole); }
std::vector<Flag> purify_command_flags() { return flags_with_out(); }
int purify_command(const Flags& flags) { return run_to(flags, pipeline::RunExtent::kPurify); }

}  // namespace assay::tools
