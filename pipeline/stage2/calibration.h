// SPDX-License-Identifier: Apache-2.0
// The decision threshold, from scores that normal images got under a detector that had not seen them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "kernels/base/status.h"

namespace assay::pipeline {

// An image is called anomalous where its score is above `threshold`.
//
// Split conformal prediction (Vovk, Gammerman, Shafer 2005): of n exchangeable scores and a new one, the new one is
// above the k-th smallest with a chance of at most 1 - k / (n + 1), whatever their distribution. k = ceil((n + 1) (1 -
// rate)) makes that at most the rate asked for; with fewer than 1 / rate - 1 scores no k does, the threshold is then
// the largest score and the guaranteed rate 1 / (n + 1).
struct Calibration {
  double threshold = 0;
  double false_alarm_rate = 0.01;  // asked for
  double guaranteed_rate = 0;      // of false alarms among images like those that were kept: at most this
  int64_t num_scores = 0;          // n
};

// held_out_scores: at least one, finite (assay::Error). 0 < false_alarm_rate < 1.
Calibration calibrate(std::vector<double> held_out_scores, double false_alarm_rate);

nlohmann::json to_json(const Calibration& calibration);
Result<Calibration> calibration_from_json(const nlohmann::json& description);

}  // namespace assay::pipeline
