// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/calibration.h"

#include <algorithm>
#include <cmath>

namespace assay::pipeline {

Calibration calibrate(std::vector<double> held_out_scores, double false_alarm_rate) {
  ASSAY_CHECK(!held_out_scores.empty(), "calibrate: no held-out scores");
  ASSAY_CHECK(false_alarm_rate > 0 && false_alarm_rate < 1, "calibrate: a false alarm rate of ", false_alarm_rate);
  for (const double s : held_out_scores) ASSAY_CHECK(std::isfinite(s), "calibrate: a score is not finite");
  std::sort(held_out_scores.begin(), held_out_scores.end());
  const double n = static_cast<double>(held_out_scores.size());
  // The product may miss an integer by a rounding error, which must not cost a whole rank.
  const double rank = std::clamp(std::ceil((n + 1) * (1 - false_alarm_rate) - 1e-9), 1.0, n);
  Calibration c;
  c.threshold = held_out_scores[static_cast<size_t>(rank) - 1];
  c.false_alarm_rate = false_alarm_rate;
  c.guaranteed_rate = 1 - rank / (n + 1);
  c.num_scores = static_cast<int64_t>(held_out_scores.size());
  return c;
}

nlohmann::json to_json(const Calibration& c) {
  return {{"threshold", c.threshold},
          {"false_alarm_rate", c.false_alarm_rate},
          {"guaranteed_rate", c.guaranteed_rate},
          {"num_scores", c.num_scores}};
}

Result<Calibration> calibration_from_json(const nlohmann::json& description) {
  Calibration c;
  for (const auto& [name, target] : {std::pair<const char*, double*>{"threshold", &c.threshold},
                                     {"false_alarm_rate", &c.false_alarm_rate},
                                     {"guaranteed_rate", &c.guaranteed_rate}}) {
    const auto found = description.find(name);
    if (found == description.end() || !found->is_number()) {
      return Status::error("calibration: ", name, " is missing or not a number");
    }
    *target = found->get<double>();
  }
  const auto count = description.find("num_scores");
  if (count == description.end() || !count->is_number_integer()) {
    return Status::error("calibration: num_scores is missing or not an integer");
  }
  c.num_scores = count->get<int64_t>();
  if (!(c.false_alarm_rate > 0 && c.false_alarm_rate < 1) || !(c.guaranteed_rate >= 0 && c.guaranteed_rate <= 1) ||
      c.num_scores < 1 || !std::isfinite(c.threshold)) {
    return Status::error("calibration: false_alarm_rate ", c.false_alarm_rate, ", guaranteed_rate ", c.guaranteed_rate,
                         ", num_scores ", c.num_scores, ", threshold ", c.threshold,
                         ": expected rates within 0 to 1, at least one score and a finite threshold");
  }
  return c;
}

}  // namespace assay::pipeline
