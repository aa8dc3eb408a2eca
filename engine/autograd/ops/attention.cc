// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/attention.h"

#include "engine/autograd/ops/qkv_heads.h"
#include "kernels/attention/attention.h"

namespace assay::autograd {

std::vector<Shape> Attention::infer(const Inputs& in, const Attrs& attrs) {
  return {check_qkv(kName, in[0], attrs.heads)};
}

void Attention::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor& qkv = c.input(0);
  const ops::OpContext ctx(kName, {{"qkv", &qkv}});
  const QkvHeads h = qkv_heads(qkv, attrs.heads);
  const float* q = ctx.in<float>(qkv);
  Tensor lse;
  if (c.is_recorded()) lse = ctx.empty<float>({h.batch, h.heads, h.tokens}, kName);
  ctx.run(kernels::attention_forward, {q, q + h.channels(), q + 2 * h.channels(), ctx.out<float>(c.output(0)),
                                       c.is_recorded() ? ctx.out<float>(lse) : nullptr, h.batch, h.tokens, h.heads,
                                       h.width, h.inside_qkv(), h.inside_qkv(), h.inside_qkv(), h.alone()});
  c.save(qkv);
  c.save(c.output(0));
  c.save(lse);
}

void Attention::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &qkv = c.saved(0), &y = c.saved(1), &lse = c.saved(2);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"qkv", &qkv}});
  const QkvHeads h = qkv_heads(qkv, attrs.heads);
  const GradSlot slot = c.grad_input(0);
  if (!slot.is_wanted) return;
  const Storage workspace =
      ctx.workspace(static_cast<int64_t>(kernels::attention_backward_workspace_bytes(h.batch, h.tokens, h.heads)));
  kernels::AttentionBackwardArgs args = {};
  args.q = ctx.in<float>(qkv);
  args.k = args.q + h.channels();
  args.v = args.k + h.channels();
  args.out = ctx.in<float>(y);
  args.lse = ctx.in<float>(lse);
  args.grad_out = ctx.in<float>(grad_y);
  args.grad_q = ctx.out<float>(slot.tensor);
  args.grad_k = args.grad_q + h.channels();
  args.grad_v = args.grad_k + h.channels();
  args.workspace = static_cast<float*>(ctx.scratch(workspace));
  args.batch = h.batch;
  args.tokens = h.tokens;
  args.heads = h.heads;
  args.head_width = h.width;
  args.q_strides = args.k_strides = args.v_strides = h.inside_qkv();
  args.out_strides = h.alone();
  args.grad_q_mode = args.grad_k_mode = args.grad_v_mode = mode_of(slot);
  ctx.run(kernels::attention_backward, args);
}

}  // namespace assay::autograd
