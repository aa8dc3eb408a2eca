// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/rank_metrics.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/check.h"

namespace assay {

RankMetricsSum::RankMetricsSum(int64_t num_normal, int64_t num_anomalous)
    : num_normal_(num_normal), num_anomalous_(num_anomalous) {
  ASSAY_CHECK(num_normal + num_anomalous < int64_t{1} << 32, "metrics: ", num_normal + num_anomalous,
              " scores, expected fewer than 2^32");  // so that twice the number of pairs fits 64 bits
}

void RankMetricsSum::add(const RankStep& step) {
  const int64_t normal_below = num_normal_ - step.normal;
  twice_pairs_won_ += static_cast<uint64_t>(step.tied_anomalous) * (2 * normal_below + step.tied_normal);
  const double flagged = static_cast<double>(step.anomalous + step.normal);
  ap_sum_ += static_cast<double>(step.tied_anomalous) * (static_cast<double>(step.anomalous) / flagged);
  f1max_ =
      std::max(f1max_, 2.0 * static_cast<double>(step.anomalous) / (flagged + static_cast<double>(num_anomalous_)));
}

RankMetrics RankMetricsSum::result() const {
  if (num_normal_ == 0 || num_anomalous_ == 0) return {};
  const double anomalous = static_cast<double>(num_anomalous_);
  const double pairs = anomalous * static_cast<double>(num_normal_);
  return {static_cast<double>(twice_pairs_won_) / (2.0 * pairs), ap_sum_ / anomalous, f1max_};
}

RankMetrics rank_metrics(const float* scores, const uint8_t* labels, int64_t n) {
  int64_t num_anomalous = 0;
  for (int64_t i = 0; i < n; ++i) {
    ASSAY_CHECK(!std::isnan(scores[i]), "metrics: score ", i, " of ", n, " is NaN");
    ASSAY_CHECK(labels[i] <= 1, "metrics: label ", i, " is ", int{labels[i]}, ", expected 0 or 1");
    num_anomalous += labels[i];
  }
  RankMetricsSum sum(n - num_anomalous, num_anomalous);  // checks the size before the allocation
  RankedScores ranked(n - num_anomalous, num_anomalous);
  uint32_t* normal = ranked.normal.begin();
  uint64_t* anomalous = ranked.anomalous.begin();
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t key = descending_key(scores[i]);
    if (labels[i] == 1) {
      *anomalous++ = RankedScores::anomalous_entry(key, 1);
    } else {
      *normal++ = key;
    }
  }
  ranked.sort();
  for_each_step(ranked, [&](const RankStep& step) { sum.add(step); });
  return sum.result();
}

}  // namespace assay
