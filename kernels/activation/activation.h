// SPDX-License-Identifier: Apache-2.0
// Activations, element by element, and grad_x = grad_y * f'(x):
//   kGelu        x * Phi(x), Phi the normal distribution function. Hendrycks, Gimpel 2016, the exact form
//   kRelu        max(x, 0); derivative 0 at 0
//   kRelu6       min(max(x, 0), 6); derivative 0 at 0 and at 6
//   kEluPlusOne  elu(x) + 1 = x + 1 for x > 0, e^x else: linear attention's feature map. Katharopoulos et al. 2020, eq.
//   7
// float32. y may be x, grad_x may be grad_y; else nothing overlaps. Deterministic; bits depend on the backend and its
// instruction set only.
// NaN gives NaN. Infinities give the limit, but for GELU at -Inf and its derivative at both, which are NaN (0 * Inf).
// The op layer has checked shapes; kernels do not check again.
#pragma once

#include <cstdint>

#include "kernels/base/grad_mode.h"
#include "kernels/base/kernel_table.h"

namespace assay::kernels {

enum class Activation { kGelu, kRelu, kRelu6, kEluPlusOne };

struct ActivationForwardArgs {
  const float* x;  // (count)
  float* y;        // (count)
  int64_t count;   // >= 0
  Activation activation;
};
extern const KernelTable<ActivationForwardArgs> activation_forward;

struct ActivationBackwardArgs {
  const float* x;       // (count)
  const float* grad_y;  // (count)
  float* grad_x;        // (count)  null: not needed
  int64_t count;        // >= 0
  Activation activation;
  GradMode grad_x_mode = GradMode::kOverwrite;
};
extern const KernelTable<ActivationBackwardArgs> activation_backward;

}  // namespace assay::kernels
