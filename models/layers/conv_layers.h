// SPDX-License-Identifier: Apache-2.0
// The layers of convolutional networks that are trained: parameters, named as PyTorch's modules name them, and calls to
// operations. x is (B, H, W, C), channels last, and so are weights: PyTorch's with their last three axes in another
// order. As in layers.h, a layer points to parameters of a list that must outlive it.
#pragma once

#include <cstdint>
#include <string>

#include "engine/autograd/tape.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

// `name.weight` (C_out, K, K, C_in), Kaiming-normal by what goes out; no bias, for batch norm follows.
class Conv2d {
 public:
  Conv2d(ParameterList* list, const std::string& name, int64_t in, int64_t out, int64_t kernel, int64_t stride,
         int64_t pad);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  autograd::Parameter* weight_;
  int64_t stride_, pad_;
};

// Each cell becomes 2 x 2: `name.weight` (C_in, 2, 2, C_out), uniform as PyTorch has it; no bias.
class Upsample2x2 {
 public:
  Upsample2x2(ParameterList* list, const std::string& name, int64_t in, int64_t out);
  // Result (B, height, width, C_out): twice x's sides, or less by one, the last row or column being left out
  // (assay::Error otherwise).
  autograd::Var forward(const autograd::Var& x, int64_t height, int64_t width, const Pass& pass) const;

 private:
  autograd::Parameter* weight_;
};

// `name.weight` (C), ones; `name.bias` (C), zeros; the buffers `name.running_mean`, zeros, and `name.running_var`,
// ones. A pass that trains takes x's own statistics and moves the running ones by a tenth; another takes the running
// ones, and gives no gradient. Momentum 0.1, eps 1e-5.
class BatchNorm2d {
 public:
  BatchNorm2d(ParameterList* list, const std::string& name, int64_t width);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  autograd::Parameter *weight_, *bias_, *running_mean_, *running_variance_;
};

}  // namespace assay::models
