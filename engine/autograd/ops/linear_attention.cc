// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/linear_attention.h"

#include "engine/autograd/ops/qkv_heads.h"
#include "kernels/attention/linear_attention.h"

namespace assay::autograd {

std::vector<Shape> LinearAttention::infer(const Inputs& in, const Attrs& attrs) {
  return {check_qkv(kName, in[0], attrs.heads)};
}

void LinearAttention::forward(ForwardContext& c, const Attrs& attrs) {
  const Tensor& qkv = c.input(0);
  const ops::OpContext ctx(kName, {{"qkv", &qkv}});
  const QkvHeads h = qkv_heads(qkv, attrs.heads);
  const Tensor kv = ctx.empty<float>({h.batch, h.heads, h.width, h.width}, kName);
  const Tensor k_sum = ctx.empty<float>({h.batch, h.heads, h.width}, kName);
  const float* q = ctx.in<float>(qkv);
  const kernels::AttentionStrides inside = h.inside_qkv();
  ctx.run(kernels::linear_attention_forward,
          {q, q + h.channels(), q + 2 * h.channels(), ctx.out<float>(c.output(0)), ctx.out<float>(kv),
           ctx.out<float>(k_sum), h.batch, h.tokens, h.heads, h.width, inside, inside, inside, h.alone()});
  c.save(qkv);
  c.save(c.output(0));
  c.save(kv);
  c.save(k_sum);
}

void LinearAttention::backward(BackwardContext& c, const Attrs& attrs) {
  const Tensor &grad_y = c.grad_output(0), &qkv = c.saved(0);
  const ops::OpContext ctx(kName, {{"grad_y", &grad_y}, {"qkv", &qkv}});
  const QkvHeads h = qkv_heads(qkv, attrs.heads);
  const GradSlot slot = c.grad_input(0);
  const Storage workspace = ctx.workspace(
      static_cast<int64_t>(kernels::linear_attention_backward_workspace_bytes(h.batch, h.tokens, h.heads, h.width)));
  kernels::LinearAttentionBackwardArgs args = {};
  args.q = ctx.in<float>(qkv);
  args.k = args.q + h.channels();
  args.v = args.k + h.channels();
  args.out = ctx.in<float>(c.saved(1));
  args.kv = ctx.in<float>(c.saved(2));
  args.k_sum = ctx.in<float>(c.saved(3));
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
  ctx.run(kernels::linear_attention_backward, args);
}

}  // namespace assay::autograd
