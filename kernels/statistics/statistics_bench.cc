// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/statistics/histogram.h"
#include "kernels/statistics/median_mad.h"
#include "kernels/statistics/radix_select.h"
#include "kernels/statistics/statistics_ref.h"
#include "kernels/statistics/top_share_mean.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

constexpr int64_t kBins = 1000;
constexpr double kShare = 0.01;

// Rows of scores within a narrow range, as anomaly maps have them.
struct Rows {
  int64_t rows, cols;
  std::vector<float> x;
  std::vector<float> value, mad;  // (R)
  std::vector<double> mean;       // (R)
  std::vector<int64_t> counts;    // (B)
  std::vector<char> workspace;

  Rows(int64_t r, int64_t c)
      : rows(r), cols(c), x(ref::row("narrow", r * c, 1)), value(r), mad(r), mean(r), counts(kBins) {
    workspace.resize(top_share_mean_workspace_bytes(Backend::kCpu, r, c, kShare));
  }
  std::vector<double> first() const { return {x.begin(), x.begin() + cols}; }
};

using Run = std::function<void(Rows& rows)>;
using Verify = std::function<bool(const Rows& rows)>;

// bytes_per_value: 4 for each time that the values have to be read.
Case case_of(const char* kernel, int64_t rows, int64_t cols, double operations_per_value, double bytes_per_value,
             const Run& run, const Verify& verify) {
  const double values = static_cast<double>(rows) * static_cast<double>(cols);
  return {kernel, std::to_string(rows) + "x" + std::to_string(cols), operations_per_value * values,
          bytes_per_value * values, [=]() -> PreparedCase {
            const auto r = std::make_shared<Rows>(rows, cols);
            return {[=] { run(*r); }, nullptr, [=] { return verify(*r); }};
          }};
}

bool near(double found, double expected) { return std::fabs(found - expected) <= 1e-6 * std::fabs(expected); }

}  // namespace

std::vector<Case> statistics_cases() {
  const int64_t maps = 16, pixels = 256 * 256;
  return {
      case_of(
          "radix_select", maps, pixels, 4, 16,
          [](Rows& r) {
            run(radix_select, {r.x.data(), nullptr, r.value.data(), r.rows, r.cols, r.cols / 2, 1, nullptr});
          },
          [](const Rows& r) { return r.value[0] == static_cast<float>(ref::sorted(r.first())[r.cols / 2]); }),
      case_of(
          "median_mad", maps, pixels, 16, 64,  // two selections for an even number, each of values and of deviations
          [](Rows& r) {
            run(median_mad, {r.x.data(), r.value.data(), r.mad.data(), r.rows, r.cols, nullptr});
          },
          [](const Rows& r) { return near(r.value[0], ref::median(r.first())); }),
      case_of(
          "top_share_mean", maps, pixels, 5, 20,
          [](Rows& r) {
            run(top_share_mean, {r.x.data(), r.mean.data(), r.rows, r.cols, kShare, r.workspace.data()});
          },
          [](const Rows& r) {
            return near(r.mean[0], ref::top_mean(r.first(), top_share_count(r.cols, kShare)).mean);
          }),
      case_of(
          "histogram", maps, pixels, 2, 4,
          [](Rows& r) {
            r.counts.assign(kBins, 0);
            run(histogram, {r.x.data(), r.counts.data(), r.rows * r.cols, kBins, 1.0, 1.002});
          },
          [](const Rows& r) {
            return std::accumulate(r.counts.begin(), r.counts.end(), int64_t{0}) == r.rows * r.cols;
          }),
  };
}

}  // namespace assay::bench
