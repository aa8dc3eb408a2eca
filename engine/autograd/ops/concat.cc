// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/concat.h"

#include <numeric>

#include "engine/autograd/ops/op_run.h"
#include "kernels/gather/gather.h"

namespace assay::autograd {

std::vector<Shape> Concat::infer(const Inputs& in, const Attrs&) {
  Shape all = in[0].shape();
  ASSAY_CHECK(!all.empty(), kName, ": part 0 has shape (), expected (..., C)");
  all.back() = 0;
  for (int64_t i = 0; i < in.size(); ++i) {
    check_float32(kName, "a part", in[i]);
    Shape leading = in[i].shape();
    ASSAY_CHECK(leading.size() == all.size(), kName, ": part ", i, " has shape ", to_string(leading), ", part 0 ",
                to_string(in[0].shape()));
    const int64_t channels = leading.back();
    leading.back() = all.back();
    ASSAY_CHECK(leading == all, kName, ": part ", i, " has shape ", to_string(in[i].shape()), ", part 0 ",
                to_string(in[0].shape()), ", expected a difference in the last axis alone");
    all.back() += channels;
  }
  return {all};
}

void Concat::forward(ForwardContext& c, const Attrs&) {
  const Tensor& all = c.output(0);
  const auto [rows, cols] = as_rows(all);
  int64_t begin = 0;
  for (int64_t i = 0; i < c.inputs().size(); ++i) {
    const Tensor& part = c.input(i);
    const ops::OpContext ctx(kName, {{"the result", &all}, {"a part", &part}});
    const int64_t channels = as_rows(part).cols;
    ctx.run(kernels::place_columns, {ctx.in<float>(part), ctx.out<float>(all), rows, channels, cols, begin});
    begin += channels;
    c.save(part);  // for its shape
  }
}

void Concat::backward(BackwardContext& c, const Attrs&) {
  const Tensor& grad_y = c.grad_output(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}});
  const auto [rows, cols] = as_rows(grad_y);
  int64_t begin = 0;
  for (int64_t i = 0; i < c.num_saved(); ++i) {
    const Shape& shape = c.saved(i).shape();
    const int64_t channels = shape.back();
    if (c.needs_grad(i)) {
      const Tensor columns = Tensor::empty<int64_t>({channels}, kName);
      std::iota(columns.data<int64_t>(), columns.data<int64_t>() + channels, begin);
      const Tensor index = columns.to(ctx.device(), kName), grad = ctx.empty<float>(shape, "gradients");
      ctx.run(kernels::gather_columns,
              {ctx.in<float>(grad_y), ctx.in<int64_t>(index), ctx.out<float>(grad), rows, cols, channels});
      c.pass_grad(i, grad);
    }
    begin += channels;
  }
}

}  // namespace assay::autograd
