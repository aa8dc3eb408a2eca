// SPDX-License-Identifier: Apache-2.0
#include "engine/optim/schedule.h"

#include <cmath>

namespace assay::optim {

double WarmupCosine::rate(int64_t step) const {
  if (step < warmup) return warmup == 1 ? 0 : peak * static_cast<double>(step) / static_cast<double>(warmup - 1);
  if (step >= total) return last;
  const double share = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
  return last + (peak - last) * (1 + std::cos(3.14159265358979323846 * share)) / 2;
}

}  // namespace assay::optim
