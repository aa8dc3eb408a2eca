// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/runner.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <vector>

#include "tools/bench/buffer.h"
#include "tools/bench/device.h"
#include "tools/bench/launch.h"

namespace assay::bench {
namespace {

// A kernel and its buffer sets, used in turn: when one comes round again, the others have pushed it out of every cache.
class Rotation {
 public:
  explicit Rotation(const std::function<PreparedCase()>& prepare) {
    const int64_t before = buffer_bytes();
    sets_.push_back(prepare());
    bytes_of_one_ = buffer_bytes() - before;
  }

  // Runs on the first set; whether the answer is right.
  bool verify(bool on_gpu) {
    sets_[0].run();
    if (on_gpu) wait_for_gpu();
    return sets_[0].verify();
  }

  // To be called once, after verify().
  void fill(const std::function<PreparedCase()>& prepare, int64_t rotate_bytes) {
    const int64_t wanted = 1 + rotate_bytes / std::max<int64_t>(bytes_of_one_, 1);
    while (static_cast<int64_t>(sets_.size()) < wanted) sets_.push_back(prepare());
    next_ = 1 % sets_.size();  // the first has just been used
  }

  // Seconds of one run. On a GPU as many are queued as fill o.fill_s, so that launching and waiting do not count.
  double seconds(const RunOptions& o) {
    const double start = now(o.clock, o.threads);
    run_next();
    if (!o.on_gpu) return now(o.clock, o.threads) - start;
    wait_for_gpu();
    const double once = now(o.clock, o.threads) - start;
    const int count = std::clamp(static_cast<int>(o.fill_s / std::max(once, 1e-6)), 1, 1000);
    const double begun = now(o.clock, o.threads);
    for (int i = 0; i < count; ++i) run_next();
    wait_for_gpu();
    return (now(o.clock, o.threads) - begun) / count;
  }

 private:
  void run_next() {
    sets_[next_].run();
    next_ = (next_ + 1) % sets_.size();
  }

  std::vector<PreparedCase> sets_;
  int64_t bytes_of_one_;
  size_t next_ = 0;
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
  Rotation kernel(c.prepare);
  const bool right = kernel.verify(o.on_gpu);
  const std::string ran = last_launched();
  if (ran != c.kernel.substr(0, c.kernel.find('/'))) return Status::error(name, " runs ", ran, ": not timed");
  if (!right) return Status::error(name, " gives a wrong answer: not timed");
  std::optional<Rotation> base;
  if (c.prepare_base) {
    base.emplace(c.prepare_base);
    if (!base->verify(o.on_gpu)) return Status::error("the base of ", name, " gives a wrong answer: not timed");
    base->fill(c.prepare_base, o.rotate_bytes);
  }
  kernel.fill(c.prepare, o.rotate_bytes);

  Row row = {c.kernel, c.shape, c.dtype, name_of(c.arithmetic), o.on_gpu ? "cuda" : "cpu"};
  bool memory_bound = false;
  if (o.measure_limits) {
    memory_bound = c.bytes / bytes_limit(o) > c.flop / flop_limit(c.arithmetic, o);
    row.bound = memory_bound ? "memory" : "compute";
  }
  const auto ideal_s = [&] { return memory_bound ? c.bytes / bytes_limit(o) : c.flop / flop_limit(c.arithmetic, o); };
  std::vector<double> seconds, roofline, against_base;
  for (int i = 0; i < o.repeats; ++i) {
    const double ideal = o.measure_limits ? ideal_s() : 0;
    seconds.push_back(kernel.seconds(o));
    roofline.push_back(ideal / seconds.back());
    if (base) against_base.push_back(base->seconds(o) / seconds.back());
  }
  row.min_us = percentile(seconds, 0) * 1e6;
  row.median_us = percentile(seconds, 0.5) * 1e6;
  row.p95_us = percentile(seconds, 0.95) * 1e6;
  row.gbyte_per_s = c.bytes / row.median_us * 1e-3;
  row.gflop_per_s = c.flop / row.median_us * 1e-3;
  if (o.measure_limits) row.roofline_percent = percentile(roofline, 0.5) * 100;
  if (base) row.vs_base = percentile(against_base, 0.5);
  return row;
}

}  // namespace assay::bench
