// SPDX-License-Identifier: Apache-2.0
// One step of an optimiser over a list of parameters (parameters.h). p parameter, g gradient times *grad_scale,
// lr learning rate, wd weight decay, t >= 1 the number of this step; m, v, w = moment1, moment2, most_moment2, all zero
// before the first step. c1 = 1 - beta1^t, c2 = 1 - beta2^t.
//   sgd          g += wd p;  m = momentum m + g;  p -= lr m                     (Sutskever et al. 2013, as in PyTorch)
//   adam         g += wd p (kCoupled), or p -= lr wd p (kDecoupled: AdamW);
//                m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;  with amsgrad w = max(w, v), used for v;
//                p -= lr / c1 * m / (sqrt(v / c2) + eps)                        (Kingma, Ba 2015; Loshchilov, Hutter
//                                                                                2019; Reddi et al. 2018)
//   stable_adamw p -= lr wd p;  m, v, w as above;  u = g / (sqrt(v / c2) + eps);
//                r = max(1, RMS(u) / clip) over the whole tensor;
//                p -= lr / (c1 r) * m / (sqrt(v / c2) + eps)                    (Wortsman et al. 2023, section 3.3 and
//                                                                                algorithm 2, with the bias corrections
//                                                                                and amsgrad of Dinomaly's optimiser)
// All arithmetic of an element is float32; step-wide factors are computed in double. RMS sums squares in double, in a
// fixed order. Deterministic: bits depend on the backend and its instruction set, not on threads. A NaN gradient makes
// its own element NaN, and under stable_adamw its tensor (r is NaN). The caller has checked counts and ranges.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/optim/parameters.h"

namespace assay::kernels {

struct SgdArgs {
  ParameterList parameters;  // value, grad, moment1 (null where momentum is 0)
  const float* grad_scale;   // (1) what gradients are multiplied by, of gradient_norm; null: 1
  double learning_rate;
  double momentum;      // 0 <= momentum < 1
  double weight_decay;  // >= 0
};
extern const KernelTable<SgdArgs> sgd_step;

enum class WeightDecay { kCoupled, kDecoupled };

struct AdamArgs {
  ParameterList parameters;  // value, grad, moment1, moment2, most_moment2 (null without amsgrad)
  const float* grad_scale;   // (1) see above
  int64_t step;              // t >= 1
  double learning_rate;
  double beta1, beta2;  // 0 <= beta < 1
  double eps;           // > 0
  double weight_decay;  // >= 0
  WeightDecay decay = WeightDecay::kDecoupled;
  bool amsgrad = false;
};
extern const KernelTable<AdamArgs> adam_step;

struct StableAdamWArgs {
  ParameterList parameters;  // value, grad, moment1, moment2, most_moment2 (null without amsgrad)
  const float* grad_scale;   // (1) see above
  double* workspace;         // stable_adamw_workspace_bytes
  int64_t step;              // t >= 1
  double learning_rate;
  double beta1, beta2;  // 0 <= beta < 1
  double eps;           // > 0
  double weight_decay;  // >= 0
  double clip = 1;      // > 0
  bool amsgrad = true;
};
extern const KernelTable<StableAdamWArgs> stable_adamw_step;

// For each chunk's sum of u^2.
inline size_t stable_adamw_workspace_bytes(int64_t num_chunks) {
  return static_cast<size_t>(num_chunks) * sizeof(double);
}

struct GradientNormArgs {
  ParameterList parameters;  // grad
  double* workspace;         // gradient_norm_workspace_bytes
  double most;               // norm above which gradients are scaled down, > 0
  float* norm;               // (1)  L2 norm over all elements of all gradients, before scaling
  float* scale;              // (1)  min(1, most / (norm + 1e-6)): what the steps' grad_scale takes; NaN where norm is
};
// Sums of squares in double, in a fixed order. (Pascanu et al. 2013, section 3.2; 1e-6 as in PyTorch.)
extern const KernelTable<GradientNormArgs> gradient_norm;

inline size_t gradient_norm_workspace_bytes(int64_t num_chunks) {
  return static_cast<size_t>(num_chunks) * sizeof(double);
}

}  // namespace assay::kernels
