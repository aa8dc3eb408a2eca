// SPDX-License-Identifier: Apache-2.0
// `assay benchmark`: rows of flags on contaminated training sets, side by side in one table.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/benchmark/benchmark.h"
#include "pipeline/benchmark/tables.h"
#include "pipeline/data/file.h"
#include "tools/assay/command.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {
namespace {

using pipeline::BenchmarkRow;

constexpr int64_t kMaxRowsBytes = 1 << 20;
constexpr uint64_t kMaxSeeds = 1000;
constexpr double kMaxAlpha = 0.9;
constexpr char kClean[] = "clean-by-labels";

std::vector<Flag> without(std::vector<Flag> table, const std::vector<std::string>& names) {
  const auto is_named = [&](const Flag& f) { return std::count(names.begin(), names.end(), f.name) > 0; };
  table.erase(std::remove_if(table.begin(), table.end(), is_named), table.end());
  return table;
}

std::vector<Flag> only(const std::vector<Flag>& table, const std::vector<std::string>& names) {
  std::vector<Flag> found;
  for (const Flag& flag : table) {
    if (std::count(names.begin(), names.end(), flag.name) > 0) found.push_back(flag);
  }
  return found;
}

// What holds for all rows, and what a row may say: each flag of `assay run` that is no axis of the benchmark.
std::vector<Flag> base_table() {
  return join({without(data_flags(), {"category"}), without(training_flags(), {"seed"}), common_flags()});
}
std::vector<Flag> row_table() {
  return join({without(training_flags(), {"seed"}), only(experiment_flags(), {kClean})});
}

// A row's flags before the benchmark's.
Result<pipeline::RunOptions> options_of(const BenchmarkRow& row, const Flags& base) {
  const Result<Flags> own = Flags::parse(row_table(), row.flags);
  if (!own.ok()) return own.status();
  if (!own.value().operands().empty()) {
    return Status::error("'", own.value().operands()[0], "': expected flags of assay run, --name=value");
  }
  const std::vector<Flag> table =
      join({data_flags(), training_flags(), common_flags(), only(experiment_flags(), {kClean})});
  std::vector<std::string> args;
  for (const Flag& flag : table) {
    const bool is_own = own.value().given(flag.name);
    if (!is_own && !base.given(flag.name)) continue;
    args.push_back(text("--", flag.name, "=", (is_own ? own.value() : base).written(flag.name)));
  }
  const Result<Flags> flags = Flags::parse(table, args);
  if (!flags.ok()) return flags.status();
  Result<pipeline::RunOptions> options = run_options("", flags.value());
  if (options.ok()) options.value().clean_by_labels = flags.value().boolean(kClean);
  return options;
}

// ---- Axes

bool to_seed(const std::string& s, uint64_t* seed) {
  const auto [stop, failure] = std::from_chars(s.data(), s.data() + s.size(), *seed);
  return failure == std::errc() && stop == s.data() + s.size() && *seed <= uint64_t{1} << 53;
}

// "0-4" or "0,1,2", or both.
Result<std::vector<uint64_t>> parse_seeds(const std::string& list) {
  std::vector<uint64_t> seeds;
  for (const std::string& part : split_at_commas(list)) {
    const size_t dash = part.find('-');
    uint64_t first = 0, last = 0;
    const bool is_read = to_seed(part.substr(0, dash), &first) &&
                         (dash == std::string::npos ? (last = first, true) : to_seed(part.substr(dash + 1), &last));
    if (!is_read || last < first || last - first >= kMaxSeeds) {
      return Status::error("--seeds=", list, ": expected numbers and ranges, such as 0-4 or 0,1,2");
    }
    for (uint64_t seed = first; seed <= last; ++seed) {
      if (std::count(seeds.begin(), seeds.end(), seed) > 0)
        return Status::error("--seeds=", list, ": names ", seed, " twice");
      seeds.push_back(seed);
    }
  }
  if (seeds.empty()) return Status::error("--seeds=", list, ": expected at least one");
  return seeds;
}

Result<std::vector<double>> parse_alphas(const std::string& list) {
  std::vector<double> alphas;
  for (const std::string& part : split_at_commas(list)) {
    double alpha = -1;
    const auto [stop, failure] = std::from_chars(part.data(), part.data() + part.size(), alpha);
    if (failure != std::errc() || stop != part.data() + part.size() || !(alpha >= 0 && alpha <= kMaxAlpha)) {
      return Status::error("--alphas=", list, ": expected numbers from 0 to ", kMaxAlpha, ", such as 0,0.1,0.4");
    }
    if (std::count(alphas.begin(), alphas.end(), alpha) > 0)
      return Status::error("--alphas=", list, ": names ", alpha, " twice");
    alphas.push_back(alpha);
  }
  return alphas;
}

Result<std::vector<BenchmarkRow>> parse_rows(const Flags& flags) {
  const std::string& file = flags.text("rows");
  if (!file.empty()) {
    for (const char* name : {"detectors", "stages", "vary"}) {
      if (flags.given(name)) return Status::error("--", name, ": does not go with --rows, which names all rows");
    }
    const Result<std::vector<uint8_t>> bytes = data::read_file(file, kMaxRowsBytes);
    if (!bytes.ok()) return bytes.status();
    return pipeline::parse_rows({reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()}, file);
  }
  const bool is_ablation = flags.given("vary");
  const std::string& stages = flags.text("stages");
  const Result<std::vector<BenchmarkRow>> rows = pipeline::rows_of_stages(
      split_at_commas(flags.text("detectors")), split_at_commas(!stages.empty() ? stages
                                                                : is_ablation   ? "two-stage"
                                                                                : "single,two-stage,clean"));
  return rows.ok() ? pipeline::vary(rows.value(), flags.texts("vary")) : rows;
}

Result<pipeline::SetRequest> parse_sets(const Flags& flags) {
  pipeline::SetRequest request;
  request.paths = flags.operands();
  request.dataset.root = flags.text("root");
  request.dataset.kind = kind_from_name(flags.text("kind"));
  request.categories = split_at_commas(flags.text("categories"));
  Result<std::vector<double>> alphas = parse_alphas(flags.text("alphas"));
  if (!alphas.ok()) return alphas.status();
  request.alphas = std::move(alphas).value();
  request.injection = injection_rule(flags);
  return request;
}

int print_outcome(const pipeline::BenchmarkOutcome& outcome, const std::string& out, bool json) {
  if (json) {
    const auto replace = nlohmann::json::error_handler_t::replace;
    std::printf("%s\n", pipeline::json_tables(outcome.results).dump(2, ' ', false, replace).c_str());
  } else {
    std::printf("%s\n%s/: %s, %s, %s", pipeline::markdown_tables(outcome.results).c_str(), out.c_str(),
                pipeline::kMarkdownFile, pipeline::kCsvFile, pipeline::kJsonFile);
    if (std::filesystem::exists(out + "/" + pipeline::kCurvesFile)) std::printf(", %s", pipeline::kCurvesFile);
    std::printf("\n");
  }
  if (outcome.num_failed == 0) return kDone;
  return fail(text(outcome.num_failed, " of ", outcome.results.cells.size(), " cells failed (", out, "/",
                   pipeline::kMarkdownFile, " says why); the same command tries these again"));
}

}  // namespace

std::vector<Flag> benchmark_command_flags() {
  const std::vector<Flag> own = {
      {"out", FlagType::kText, "", "DIR", 0, 0,
       "folder of the tables and of each cell's run; what is there is not computed again"},
      {"categories", FlagType::kText, "", "A,B", 0, 0, "which of the data; all if not given"},
      {"alphas", FlagType::kText, "", "A,B", 0, 0,
       "which lists; and what to inject into data without anomalies in training, each category's own test images"},
      {"seeds", FlagType::kText, "0", "N-M", 0, 0, "of the runs: 0-4 or 0,1,2"},
      {"detectors", FlagType::kText, "", "A,B", 0, 0, "a row for each and each stage; not given, --detector's"},
      {"stages", FlagType::kText, "", "A,B", 0, 0,
       "of single, two-stage, ensemble, clean (an oracle: anomalies taken out by their labels) "
       "[single,two-stage,clean; with --vary two-stage]"},
      {"vary", FlagType::kTexts, "", "FLAG=A,B", 0, 0,
       "repeatable: each of these rows once more with each value of a flag of `assay run`, one flag at a time"},
      {"rows", FlagType::kText, "", "FILE", 0, 0, "rows of your own, a line `name: flags of assay run` each"},
  };
  return join({own, only(experiment_flags(), {"alpha-of", "overlap", "inject-seed"}), base_table()});
}

int benchmark_command(const Flags& flags) {
  if (flags.text("out").empty()) return fail_usage("--out: expected the folder that the benchmark is written to");
  pipeline::BenchmarkPlan plan;
  plan.out = flags.text("out");
  Result<std::vector<uint64_t>> seeds = parse_seeds(flags.text("seeds"));
  if (!seeds.ok()) return fail_usage(seeds.message());
  plan.seeds = std::move(seeds).value();
  Result<std::vector<BenchmarkRow>> rows = parse_rows(flags);
  if (!rows.ok()) return fail_usage(rows.message());
  plan.rows = std::move(rows).value();
  const pipeline::MakeRunOptions make_options = [&](const BenchmarkRow& row) { return options_of(row, flags); };
  for (const BenchmarkRow& row : plan.rows) {
    const Result<pipeline::RunOptions> options = make_options(row);
    if (!options.ok()) return fail_usage("row '" + row.name + "': " + options.message());
  }
  const Result<pipeline::SetRequest> request = parse_sets(flags);
  if (!request.ok()) return fail_usage(request.message());
  Result<std::vector<pipeline::BenchmarkSet>> sets = pipeline::find_benchmark_sets(request.value());
  if (!sets.ok()) return fail(sets.message());
  plan.sets = std::move(sets).value();
  ConsoleProgress progress(flags.boolean("quiet"));
  const Result<pipeline::BenchmarkOutcome> outcome = pipeline::run_benchmark(plan, make_options, &progress);
  if (!outcome.ok() && outcome.message() == pipeline::kInterrupted) {
    return fail("interrupted; the same command goes on in " + plan.out);
  }
  if (!outcome.ok()) return fail(outcome.message());
  return print_outcome(outcome.value(), plan.out, flags.boolean("json"));
}

}  // namespace assay::tools
