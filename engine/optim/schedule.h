// SPDX-License-Identifier: Apache-2.0
// Learning rates over the steps of a training.
#pragma once

#include <cstdint>

namespace assay::optim {

// From 0 linearly over the first `warmup` steps, of which the last has `peak`, then along half a cosine to `last` at
// step `total`, as Dinomaly's published training does:
//   last + (peak - last) (1 + cos(pi (step - warmup) / (total - warmup))) / 2.     (Loshchilov, Hutter 2017, eq. 5)
struct WarmupCosine {
  double peak;
  double last;
  int64_t warmup;
  int64_t total;
  // step: 0 for the first. 0 <= warmup <= total; from `total` on the rate is `last`.
  double rate(int64_t step) const;
};

// `rate` up to step `milestone` and `factor` times it from there on.
struct StepDecay {
  double initial;
  double factor;
  int64_t milestone;
  double rate(int64_t step) const { return step < milestone ? initial : initial * factor; }
};

}  // namespace assay::optim
