// SPDX-License-Identifier: Apache-2.0
// Which images are kept, from one score of suspicion each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/base/status.h"

namespace assay::pipeline {

struct KeepRule {
  bool automatic = true;
  double fraction = 1;  // of the images, where not automatic

  // "auto", or a fraction above 0 and at most 1.
  static Result<KeepRule> from_name(const std::string& name);
  std::string name() const;
};

// How many images are anomalous, as far as the scores tell.
struct AlphaEstimate {
  double alpha = 0;  // share of all images
  double low = 0;    // 95 % interval
  double high = 0;
};

struct Selection {
  std::vector<uint8_t> kept;  // (N) 1 or 0
  AlphaEstimate alpha;
};

// Keeps the lowest scores: of a fraction f the floor(f N) lowest, at least one, ties towards the lower index; the
// automatic rule keeps what is at most `automatic_threshold`. The estimate of alpha is the share set aside, with
// Wilson's interval (1927): it covers chance, not anomalies that look normal.
Selection select_kept(const std::vector<double>& suspicion, const KeepRule& rule, double automatic_threshold);

}  // namespace assay::pipeline
