// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/runner.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "tools/bench/buffer.h"
#include "tools/bench/device.h"
#include "tools/bench/launch.h"

namespace assay::bench {
namespace {

using Body = std::function<void()> PreparedCase::*;

// Buffer sets of one case, used in turn: when one comes round again, the others have pushed it out of every cache.
class Rotation {
 public:
  Rotation(const Case& c, PreparedCase first, int64_t bytes_of_one, const RunOptions& o) {
    sets_.push_back(std::move(first));
    const int64_t wanted = 1 + o.rotate_bytes / std::max<int64_t>(bytes_of_one, 1);
    while (static_cast<int64_t>(sets_.size()) < wanted) sets_.push_back(c.prepare());
    next_ = 1 % sets_.size();  // the first has just been used
  }

  // Seconds of one run. On a GPU as many are queued as fill o.fill_s, so that launching and waiting do not count.
  double seconds(Body body, const RunOptions& o) {
    const double start = now(o.clock, o.threads);
    run_next(body);
    if (!o.on_gpu) return now(o.clock, o.threads) - start;
    wait_for_gpu();
    const double once = now(o.clock, o.threads) - start;
    const int count = std::clamp(static_cast<int>(o.fill_s / std::max(once, 1e-6)), 1, 1000);
    const double begun = now(o.clock, o.threads);
    for (int i = 0; i < count; ++i) run_next(body);
    wait_for_gpu();
    return (now(o.clock, o.threads) - begun) / count;
  }

 private:
  void run_next(Body body) {
    (sets_[next_].*body)();
    next_ = (next_ + 1) % sets_.size();
  }

  std::vector<PreparedCase> sets_;
  size_t next_;
};

}  // namespace

double flop_limit(Arithmetic arithmetic, const RunOptions& o) {
  if (o.on_gpu) return measure_gpu_flop_per_s(arithmetic);
  if (arithmetic == Arithmetic::kFloat64) return measure_float64_fma_flop_per_s(o.clock, o.threads);
  return measure_fma_flop_per_s(o.clock, o.threads) / (arithmetic == Arithmetic::kThreeTf32 ? 3 : 1);
}

double bytes_limit(const RunOptions& o) {
  return o.on_gpu ? measure_gpu_read_bytes_per_s() : measure_read_bytes_per_s(o.clock, o.threads);
}

Result<Row> run_case(const Case& c, const RunOptions& o) {
  const std::string name = c.kernel + ":" + c.shape;
  const int64_t bytes_before = buffer_bytes();
  PreparedCase first = c.prepare();
  const int64_t bytes_of_one = buffer_bytes() - bytes_before;
  first.run();
  const std::string ran = last_launched();
  if (ran != c.kernel.substr(0, c.kernel.find('/'))) return Status::error(name, " runs ", ran, ": not timed");
  if (o.on_gpu) wait_for_gpu();
  if (!first.verify()) return Status::error(name, " gives a wrong answer: not timed");
  const bool has_base = static_cast<bool>(first.base);
  if (has_base) first.base();  // warm

  Row row = {c.kernel, c.shape, c.dtype, name_of(c.arithmetic), o.on_gpu ? "cuda" : "cpu"};
  bool memory_bound = false;
  if (o.measure_limits) {
    memory_bound = c.bytes / bytes_limit(o) > c.flop / flop_limit(c.arithmetic, o);
    row.bound = memory_bound ? "memory" : "compute";
  }
  const auto ideal_s = [&] { return memory_bound ? c.bytes / bytes_limit(o) : c.flop / flop_limit(c.arithmetic, o); };
  Rotation rotation(c, std::move(first), bytes_of_one, o);
  std::vector<double> seconds, roofline, against_base;
  for (int i = 0; i < o.repeats; ++i) {
    const double ideal = o.measure_limits ? ideal_s() : 0;
    seconds.push_back(rotation.seconds(&PreparedCase::run, o));
    roofline.push_back(ideal / seconds.back());
    if (has_base) against_base.push_back(rotation.seconds(&PreparedCase::base, o) / seconds.back());
  }
  row.min_us = percentile(seconds, 0) * 1e6;
  row.median_us = percentile(seconds, 0.5) * 1e6;
  row.p95_us = percentile(seconds, 0.95) * 1e6;
  row.gbyte_per_s = c.bytes / row.median_us * 1e-3;
  row.gflop_per_s = c.flop / row.median_us * 1e-3;
  if (o.measure_limits) row.roofline_percent = percentile(roofline, 0.5) * 100;
  if (has_base) row.vs_base = percentile(against_base, 0.5);
  return row;
}

}  // namespace assay::bench
