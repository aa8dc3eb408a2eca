// SPDX-License-Identifier: Apache-2.0
// The factors of a step that all elements share, computed once in double and rounded once. Both backends use them.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/optim/step.h"

namespace assay::kernels {

// Of adam and stable_adamw: p = keep * p - rate * m / (sqrt(v) * root + eps), after m and v have moved.
struct AdamFactors {
  float keep;          // 1 - lr wd, or 1 where the decay is coupled
  float coupled;       // wd, or 0 where the decay is decoupled
  float beta1, rest1;  // beta1, 1 - beta1
  float beta2, rest2;
  float rate;  // lr / c1
  float root;  // 1 / sqrt(c2)
  float eps;
  bool amsgrad;
};

inline AdamFactors adam_factors(double learning_rate, double beta1, double beta2, double eps, double weight_decay,
                                bool decoupled, bool amsgrad, int64_t step) {
  const double c1 = 1 - std::pow(beta1, static_cast<double>(step)), c2 = 1 - std::pow(beta2, static_cast<double>(step));
  return {decoupled ? static_cast<float>(1 - learning_rate * weight_decay) : 1.0f,
          decoupled ? 0.0f : static_cast<float>(weight_decay),
          static_cast<float>(beta1),
          static_cast<float>(1 - beta1),
          static_cast<float>(beta2),
          static_cast<float>(1 - beta2),
          static_cast<float>(learning_rate / c1),
          static_cast<float>(1 / std::sqrt(c2)),
          static_cast<float>(eps),
          amsgrad};
}

inline AdamFactors adam_factors(const AdamArgs& a) {
  return adam_factors(a.learning_rate, a.beta1, a.beta2, a.eps, a.weight_decay, a.decay == WeightDecay::kDecoupled,
                      a.amsgrad, a.step);
}

inline AdamFactors adam_factors(const StableAdamWArgs& a) {
  return adam_factors(a.learning_rate, a.beta1, a.beta2, a.eps, a.weight_decay, true, a.amsgrad, a.step);
}

}  // namespace assay::kernels
