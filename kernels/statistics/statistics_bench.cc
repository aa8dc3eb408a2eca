// SPDX-License-Identifier: Apache-2.0
// Scores within a narrow range, as anomaly maps have them.
#include <algorithm>
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
#include "tests/support/numbers.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

constexpr int64_t kBins = 1000;
constexpr double kShare = 0.01;

int64_t workspace_bytes(int64_t rows, int64_t cols) {
  const Backend backend = testing::test_backend();
  return std::max({top_share_mean_workspace_bytes(backend, rows, cols, kShare),
                   median_mad_workspace_bytes(backend, rows), radix_select_workspace_bytes(backend, rows, 1)});
}

struct Rows {
  int64_t rows, cols;
  Buffer<float> x;
  Buffer<float> value, mad;  // (R)
  Buffer<double> mean;       // (R)
  Buffer<int64_t> counts;    // (B), to which each run adds
  Buffer<char> workspace;

  Rows(int64_t r, int64_t c)
      : rows(r),
        cols(c),
        x(samples(r * c, 1, 1, 1.001)),
        value(r),
        mad(r),
        mean(r),
        counts(zeros<int64_t>(kBins)),
        workspace(workspace_bytes(r, c)) {}
  std::vector<double> first() const { return testing::to_double(x.values(0, cols)); }
};

using Run = std::function<void(Rows& rows)>;
using Verify = std::function<bool(const Rows& rows)>;

// bytes_per_value: 4 for each time that the values have to be read.
Case case_of(const char* kernel, int64_t rows, int64_t cols, double operations_per_value, double bytes_per_value,
             const Run& run, const Verify& verify) {
  const double values = static_cast<double>(rows) * static_cast<double>(cols);
  return {kernel, shape_text({rows, cols}), operations_per_value * values, bytes_per_value * values,
          [=]() -> PreparedCase {
            const auto r = std::make_shared<Rows>(rows, cols);
            return {[=] { run(*r); }, [=] { return verify(*r); }};
          }};
}

bool begins_near(const Buffer<float>& found, double expected) {
  return begins_with(found, {expected}, 1e-6 * std::fabs(expected));
}

}  // namespace

std::vector<Case> statistics_cases(const Scale& s) {
  const int64_t maps = s(16), pixels = s(256) * s(256);
  return {
      case_of(
          "radix_select", maps, pixels, 4, 16,
          [](Rows& r) {
            launch(radix_select,
                   {r.x.data(), nullptr, r.value.data(), r.rows, r.cols, r.cols / 2, 1, r.workspace.data()});
          },
          [](const Rows& r) {
            return begins_with(r.value, {ref::sorted(r.first())[static_cast<size_t>(r.cols / 2)]}, 0);
          }),
      case_of(
          "median_mad", maps, pixels, 16, 64,  // two selections for an even number, each of values and of deviations
          [](Rows& r) {
            launch(median_mad, {r.x.data(), r.value.data(), r.mad.data(), r.rows, r.cols, r.workspace.data()});
          },
          [](const Rows& r) {
            std::vector<double> deviations = r.first();
            const float median = r.value.values(0, 1)[0];
            for (double& v : deviations) v = std::fabs(v - median);
            return begins_near(r.value, ref::median(r.first())) &&
                   begins_with(r.mad, {ref::median(deviations)}, 0x1p-22);
          }),
      case_of(
          "top_share_mean", maps, pixels, 5, 20,
          [](Rows& r) {
            launch(top_share_mean, {r.x.data(), r.mean.data(), r.rows, r.cols, kShare, r.workspace.data()});
          },
          [](const Rows& r) {
            const double expected = ref::top_mean(r.first(), top_share_count(r.cols, kShare)).mean;
            return begins_with(r.mean, {expected}, 1e-6 * expected);
          }),
      case_of(
          "histogram", maps, pixels, 2, 4,
          [](Rows& r) {
            launch(histogram, {r.x.data(), r.counts.data(), r.rows * r.cols, kBins, 1.0, 1.002});
          },
          [](const Rows& r) {
            const std::vector<int64_t> counts = r.counts.values();
            return std::accumulate(counts.begin(), counts.end(), int64_t{0}) == r.rows * r.cols;
          }),
  };
}

}  // namespace assay::bench
