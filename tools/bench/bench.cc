// SPDX-License-Identifier: Apache-2.0
// Times kernels against this machine's measured limits, one line a case.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "tests/support/backend.h"
#include "tools/assay/flags.h"
#include "tools/bench/case.h"
#include "tools/bench/device.h"
#include "tools/bench/machine_limits.h"

namespace assay::bench {
namespace {

using tools::Flag;
using tools::Flags;
using tools::FlagType;

const std::vector<Flag> kFlags = {
    {"threads", FlagType::kInt, "0", "N", 0, 1024, "threads to run on; 0: all processors"},
    {"repeats", FlagType::kInt, "7", "N", 1, 1000, "timed runs of each case"},
    {"clock", FlagType::kText, "wall", "wall|cpu", 0, 0, "cpu: processor time, for a machine that others use too"},
    {"device", FlagType::kText, "cpu", "cpu|cuda", 0, 0, "where kernels run; cuda: the first GPU"},
    {"list", FlagType::kBool, "false", "", 0, 0,
     "print kernel, shape, FLOP and bytes of each case as csv, run nothing"},
    {"csv", FlagType::kBool, "false", "", 0, 0, "the same columns separated by commas"},
    {"help", FlagType::kBool, "false", "", 0, 0, "this text"},
};

struct Options {
  int threads;
  int repeats;
  Clock clock;
  bool csv;
  bool on_gpu;
};

double fma_limit(const Options& o) {
  return o.on_gpu ? measure_gpu_fma_flop_per_s() : measure_fma_flop_per_s(o.clock, o.threads);
}
double read_limit(const Options& o) {
  return o.on_gpu ? measure_gpu_read_bytes_per_s() : measure_read_bytes_per_s(o.clock, o.threads);
}

double percentile(std::vector<double> values, double fraction) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(fraction * static_cast<double>(values.size() - 1) + 0.5)];
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

void print_header(const Options& o) {
  std::vector<double> flop_per_s, bytes_per_s;
  for (int i = 0; i < 5; ++i) {
    flop_per_s.push_back(fma_limit(o));
    bytes_per_s.push_back(read_limit(o));
  }
  if (o.on_gpu) {
    std::printf("# %s\n", gpu_description().c_str());
  } else {
    std::printf("# %s, %d threads, %s clock, g++ %s\n", processor_name().c_str(), o.threads,
                o.clock == Clock::kWall ? "wall" : "cpu", __VERSION__);
  }
  std::printf("# limits, median of 5: %.1f GFLOP/s multiply-add, %.1f GB/s read; measured again beside each run\n",
              percentile(flop_per_s, 0.5) * 1e-9, percentile(bytes_per_s, 0.5) * 1e-9);
  std::printf(o.csv ? "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s\n" : "%-18s %-18s %-5s %-6s %11s %11s %7s %8s %-7s %9s %7s\n",
              "kernel", "shape", "dtype", "device", "median_us", "p95_us", "GB/s", "GFLOP/s", "bound", "roofline%",
              "vs_base");
}

// Seconds of one run. On a GPU as many runs are queued as fill some milliseconds, so that launching and waiting do not
// count.
double time_of(const std::function<void()>& body, const Options& o) {
  const double start = now(o.clock, o.threads);
  body();
  if (!o.on_gpu) return now(o.clock, o.threads) - start;
  wait_for_gpu();
  const double once = now(o.clock, o.threads) - start;
  const int count = std::clamp(static_cast<int>(5e-3 / std::max(once, 1e-6)), 1, 1000);
  const double begun = now(o.clock, o.threads);
  for (int i = 0; i < count; ++i) body();
  wait_for_gpu();
  return (now(o.clock, o.threads) - begun) / count;
}

// The limit is measured before every run and each run compared with its own, because machines change their clock and
// their company. Returns whether the case's answer was right.
bool run_case(const Case& c, const Options& o) {
  const PreparedCase prepared = c.prepare();
  prepared.run();
  if (o.on_gpu) wait_for_gpu();
  if (!prepared.verify()) {
    std::fprintf(stderr, "error: %s:%s gives a wrong answer: not timed\n", c.kernel.c_str(), c.shape.c_str());
    return false;
  }
  if (prepared.base) prepared.base();
  const double compute_s = c.flop / fma_limit(o);
  const bool memory_bound = c.bytes / read_limit(o) > compute_s;
  std::vector<double> seconds, roofline, against_base;
  for (int i = 0; i < o.repeats; ++i) {
    const double ideal = memory_bound ? c.bytes / read_limit(o) : c.flop / fma_limit(o);
    seconds.push_back(time_of(prepared.run, o));
    roofline.push_back(ideal / seconds.back());
    if (prepared.base) against_base.push_back(time_of(prepared.base, o) / seconds.back());
  }
  const double median = percentile(seconds, 0.5);
  std::printf(o.csv ? "%s,\"%s\",%s,%s,%.1f,%.1f,%.2f,%.1f,%s,%.1f,%.2f\n"
                    : "%-18s %-18s %-5s %-6s %11.1f %11.1f %7.2f %8.1f %-7s %9.1f %7.2f\n",
              c.kernel.c_str(), c.shape.c_str(), "f32", o.on_gpu ? "cuda" : "cpu", median * 1e6,
              percentile(seconds, 0.95) * 1e6, c.bytes / median * 1e-9, c.flop / median * 1e-9,
              memory_bound ? "memory" : "compute", percentile(roofline, 0.5) * 100,
              against_base.empty() ? 0.0 : percentile(against_base, 0.5));
  std::fflush(stdout);
  return true;
}

std::vector<Case> all_cases() {
  std::vector<Case> all;
  for (const auto& cases : {nearest_neighbour_cases(),
                            segment_minimum_cases(),
                            greedy_k_center_cases(),
                            top_k_cases(),
                            packed_bank_cases(),
                            blur_cases(),
                            elementwise_cases(),
                            gaussian_cases(),
                            interpolate_cases(),
                            pool_cases(),
                            random_cases(),
                            resize_cases(),
                            statistics_cases(),
                            gemm_cases(),
                            conv2d_cases(),
                            depthwise_conv_cases(),
                            layer_norm_cases(),
                            activation_cases(),
                            softmax_cases(),
                            dropout_cases(),
                            reduce_cases(),
                            arithmetic_cases(),
                            attention_cases(),
                            loss_cases(),
                            optim_cases()}) {
    all.insert(all.end(), cases.begin(), cases.end());
  }
  return all;
}

bool selected(const Case& c, const std::vector<std::string>& patterns) {
  const std::string name = c.kernel + ":" + c.shape;
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
           return name.find(pattern) != std::string::npos;
         });
}

int list_cases() {
  std::printf("kernel,shape,flop,bytes\n");
  for (const Case& c : all_cases()) {
    std::printf("%s,\"%s\",%.0f,%.0f\n", c.kernel.c_str(), c.shape.c_str(), c.flop, c.bytes);
  }
  return 0;
}

int main_with(const std::vector<std::string>& args) {
  const Result<Flags> parsed = Flags::parse(kFlags, args);
  if (!parsed.ok()) {
    std::fprintf(stderr, "error: %s\n", parsed.message().c_str());
    return 2;
  }
  const Flags& flags = parsed.value();
  if (flags.boolean("help")) {
    std::cout << "bench [flags] [part of kernel:shape]...\n" << tools::help_text(kFlags);
    return 0;
  }
  if (flags.integer("threads") > 0) set_num_threads(static_cast<int>(flags.integer("threads")));
  const Options options = {num_threads(), static_cast<int>(flags.integer("repeats")),
                           flags.text("clock") == "cpu" ? Clock::kCpu : Clock::kWall, flags.boolean("csv"),
                           flags.text("device") == "cuda"};
  if (flags.boolean("list")) return list_cases();
  if (options.on_gpu) {
    std::string reason;
    if (!has_gpu(&reason)) {
      std::fprintf(stderr, "error: --device=cuda: %s\n", reason.c_str());
      return 1;
    }
    testing::set_test_backend(Backend::kCuda);
    allocate_for_gpu();
  }
  print_header(options);
  bool right = true;
  int run = 0;
  for (const Case& c : all_cases()) {
    if (!selected(c, flags.operands())) continue;
    right = run_case(c, options) && right;
    ++run;
  }
  if (run == 0) {
    std::fprintf(stderr, "error: no case of that name\n");
    return 1;
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) { return assay::bench::main_with(std::vector<std::string>(argv + 1, argv + argc)); }
