// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/reshape.h"

namespace assay::autograd {

std::vector<Shape> Reshape::infer(const Inputs& in, const Attrs& attrs) {
  (void)in[0].reshape(attrs.shape);  // which checks
  return {};                         // nothing to allocate
}

void Reshape::forward(ForwardContext& c, const Attrs& attrs) { c.add_output(c.input(0).reshape(attrs.shape)); }

void Reshape::backward(BackwardContext& c, const Attrs&) { c.pass_grad(0, c.grad_output(0)); }

}  // namespace assay::autograd
