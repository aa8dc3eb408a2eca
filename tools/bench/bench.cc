// SPDX-License-Identifier: Apache-2.0
// Times kernels against this machine's measured limits, one line a case.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/text.h"
#include "tests/support/backend.h"
#include "tools/assay/flags.h"
#include "tools/bench/case_list.h"
#include "tools/bench/device.h"
#include "tools/bench/results.h"
#include "tools/bench/runner.h"

namespace assay::bench {
namespace {

using tools::Flag;
using tools::Flags;
using tools::FlagType;

const std::vector<Flag> kFlags = {
    {"threads", FlagType::kInt, "0", "N", 0, 1024, "threads to run on; 0: all processors"},
    {"repeats", FlagType::kInt, "7", "N", 1, 1000, "timed runs of each case; on a GPU each of as many as fill 5 ms"},
    {"clock", FlagType::kText, "wall", "wall|cpu", 0, 0, "cpu: processor time, for a machine that others use too"},
    {"device", FlagType::kText, "cpu", "cpu|cuda", 0, 0, "where kernels run; cuda: the first GPU"},
    {"rotate", FlagType::kBytes, "0", "BYTES", 0, 1e12,
     "use as many sets of buffers in turn as hold that much; 0: twice the last-level cache"},
    {"smoke", FlagType::kBool, "false", "", 0, 0, "every case once with small shapes; no limits are measured"},
    {"compare", FlagType::kText, "", "FILE", 0, 0,
     "the csv of an earlier run: its times by this run's, above 1: faster"},
    {"list", FlagType::kBool, "false", "", 0, 0, "print what each case is as csv, run nothing"},
    {"csv", FlagType::kBool, "false", "", 0, 0, "the same columns separated by commas"},
    {"help", FlagType::kBool, "false", "", 0, 0, "this text"},
};

constexpr int64_t kSmokeDivisor = 16, kSmokeRotateBytes = 1 << 16;
constexpr double kFillSeconds = 5e-3;  // a thousand times what a wait takes

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

// The first line of the output, which --compare insists on.
std::string machine(const RunOptions& o) {
  if (o.on_gpu) return gpu_description();
  return text(processor_name(), ", ", o.threads, " threads, ", o.clock == Clock::kWall ? "wall" : "cpu", " clock");
}

void print_header(const RunOptions& o) {
  std::printf("# %s\n# g++ %s\n", machine(o).c_str(), __VERSION__);
  if (!o.measure_limits) {
    std::printf("# smoke: times mean nothing\n");
    return;
  }
  std::vector<double> flop_per_s, bytes_per_s;
  for (int i = 0; i < 5; ++i) {
    flop_per_s.push_back(flop_limit(Arithmetic::kFloat32, o));
    bytes_per_s.push_back(bytes_limit(o));
  }
  std::printf("# limits, median of 5: %.1f GFLOP/s float32, %.1f GB/s read; measured again beside each run\n",
              percentile(flop_per_s, 0.5) * 1e-9, percentile(bytes_per_s, 0.5) * 1e-9);
  std::printf("# buffers of a case: at least %.0f MiB, used in turn\n",
              static_cast<double>(o.rotate_bytes) / (1 << 20));
}

bool selected(const Case& c, const std::vector<std::string>& patterns) {
  const std::string name = c.kernel + ":" + c.shape;
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return name.find(pattern) != std::string::npos;
         });
}

int list_cases(const Scale& scale) {
  std::printf("kernel,shape,dtype,arithmetic,flop,bytes\n");
  for (const Case& c : all_cases(scale)) {
    std::printf("%s,\"%s\",%s,%s,%.0f,%.0f\n", c.kernel.c_str(), c.shape.c_str(), c.dtype, name_of(c.arithmetic),
                c.flop, c.bytes);
  }
  return 0;
}

int usage_error(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 2;
}

int failure(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

// Prepares the backend; an error where the device cannot be used as asked.
Result<RunOptions> options_from(const Flags& flags) {
  if (flags.integer("threads") > 0) set_num_threads(static_cast<int>(flags.integer("threads")));
  const bool smoke = flags.boolean("smoke");
  RunOptions o = {num_threads(),
                  smoke && !flags.given("repeats") ? 1 : static_cast<int>(flags.integer("repeats")),
                  flags.text("clock") == "cpu" ? Clock::kCpu : Clock::kWall,
                  flags.text("device") == "cuda",
                  smoke && !flags.given("rotate") ? kSmokeRotateBytes : flags.bytes("rotate"),
                  smoke ? 0 : kFillSeconds,
                  !smoke};
  if (o.on_gpu) {
    std::string reason;
    if (!has_gpu(&reason)) return Status::error("--device=cuda: ", reason);
    testing::set_test_backend(Backend::kCuda);
  }
  if (o.rotate_bytes == 0) o.rotate_bytes = 2 * (o.on_gpu ? gpu_cache_bytes() : last_level_cache_bytes());
  return o;
}

// The cases to run, in order. Says which kernels this device or build does not have.
std::vector<Case> chosen_cases(const Scale& scale, const std::vector<std::string>& patterns, bool on_gpu) {
  std::vector<Case> chosen;
  std::set<std::string> left_out;
  for (Case& c : all_cases(scale)) {
    if (!selected(c, patterns)) continue;
    if (on_gpu ? c.on_cuda : c.on_cpu) {
      chosen.push_back(std::move(c));
    } else {
      left_out.insert(c.kernel);
    }
  }
  for (const std::string& kernel : left_out) {
    std::fprintf(stderr, "left out: %s is %s\n", kernel.c_str(),
                 on_gpu ? "not in this build" : "another kernel on the CPU");
  }
  return chosen;
}

int run_all(const Flags& flags, const Scale& scale, const RunOptions& options) {
  const std::vector<Case> cases = chosen_cases(scale, flags.operands(), options.on_gpu);
  if (cases.empty()) return failure("no case of that name");
  std::optional<EarlierRun> earlier;
  if (flags.given("compare")) {
    Result<EarlierRun> read = EarlierRun::read(flags.text("compare"), machine(options));
    if (!read.ok()) return failure("--compare: " + read.message());
    earlier = std::move(read).value();
    for (const Case& c : cases) {
      if (!earlier->has(c.kernel, c.shape)) {
        return failure("--compare: " + flags.text("compare") + " has no case " + c.kernel + ":" + c.shape);
      }
    }
  }
  const Format format = flags.boolean("csv") ? Format::kCsv : Format::kTable;
  print_header(options);
  print_columns(format, earlier.has_value());
  bool right = true;
  for (const Case& c : cases) {
    const Result<Row> row = run_case(c, options);
    if (row.ok()) {
      print_row(row.value(), format, earlier ? &*earlier : nullptr);
    } else {
      right = false;
      std::fprintf(stderr, "error: %s\n", row.message().c_str());
    }
  }
  return right ? 0 : 1;
}

int main_with(const std::vector<std::string>& args) {
  const Result<Flags> parsed = Flags::parse(kFlags, args);
  if (!parsed.ok()) return usage_error(parsed.message());
  const Flags& flags = parsed.value();
  if (flags.boolean("help")) {
    std::cout << "bench [flags] [part of kernel:shape]...\n" << tools::help_text(kFlags);
    return 0;
  }
  if (flags.text("device") == "cuda" && flags.text("clock") == "cpu") {
    return usage_error("--clock=cpu: a GPU's time is not processor time; --device=cuda takes --clock=wall alone");
  }
  const Scale scale(flags.boolean("smoke") ? kSmokeDivisor : 1);
  if (flags.boolean("list")) return list_cases(scale);
  const Result<RunOptions> options = options_from(flags);
  if (!options.ok()) return failure(options.message());
  return run_all(flags, scale, options.value());
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) { return assay::bench::main_with(std::vector<std::string>(argv + 1, argv + argc)); }
