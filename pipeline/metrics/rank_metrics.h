// SPDX-License-Identifier: Apache-2.0
// AUROC, average precision and best F1 of scores against two classes, as scikit-learn computes them, ties included:
// roc_auc_score; average_precision_score (sum over distinct scores of recall gained times precision, no
// interpolation); the maximum of 2 P R / (P + R) over the points of precision_recall_curve.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/metrics/ranking.h"

namespace assay {

// All absent unless both classes occur: a ranking of one class says nothing.
struct RankMetrics {
  std::optional<double> auroc;
  std::optional<double> ap;
  std::optional<double> f1max;
};

// scores (N), higher is more anomalous; labels (N), 0 normal or 1 anomalous. N >= 0. A NaN score or another label
// throws assay::Error. The result does not depend on the order of the N pairs, bit for bit. 16 bytes per pair.
RankMetrics rank_metrics(const float* scores, const uint8_t* labels, int64_t n);

// The same from sorted scores, one step at a time.
class RankMetricsSum {
 public:
  RankMetricsSum(int64_t num_normal, int64_t num_anomalous);
  void add(const RankStep& step);
  RankMetrics result() const;

 private:
  int64_t num_normal_;
  int64_t num_anomalous_;
  uint64_t twice_pairs_won_ = 0;  // pairs with the anomaly above the normal, plus half of the ties; exact
  double ap_sum_ = 0;
  double f1max_ = 0;
};

}  // namespace assay
