// SPDX-License-Identifier: Apache-2.0
#include "models/layers/layers.h"

#include "engine/autograd/ops/activation.h"
#include "engine/autograd/ops/attention.h"
#include "engine/autograd/ops/dropout.h"
#include "engine/autograd/ops/elementwise.h"
#include "engine/autograd/ops/layer_norm.h"
#include "engine/autograd/ops/linear.h"

namespace assay::models {

using autograd::Tape;
using autograd::Var;

Linear::Linear(ParameterList* list, const std::string& name, int64_t in, int64_t out, Bias bias)
    : weight_(list->declare(name + ".weight", {out, in}, Initial::kTruncatedNormal)),
      bias_(bias == Bias::kYes ? list->declare(name + ".bias", {out}, Initial::kZeros) : nullptr) {}

Var Linear::forward(const Var& x, const Pass& pass) const {
  Tape& tape = x.tape();
  return autograd::linear(x, use(tape, weight_, pass), bias_ ? use(tape, bias_, pass) : Var());
}

LayerNorm::LayerNorm(ParameterList* list, const std::string& name, int64_t width, float eps)
    : weight_(list->declare(name + ".weight", {width}, Initial::kOnes)),
      bias_(list->declare(name + ".bias", {width}, Initial::kZeros)),
      eps_(eps) {}

Var LayerNorm::forward(const Var& x, const Pass& pass) const {
  Tape& tape = x.tape();
  return autograd::layer_norm(x, use(tape, weight_, pass), use(tape, bias_, pass), eps_);
}

LayerScale::LayerScale(ParameterList* list, const std::string& name, int64_t width)
    : gamma_(list->declare(name + ".gamma", {width}, Initial::kOnes)) {}

Var LayerScale::forward(const Var& x, const Pass& pass) const {
  return autograd::multiply(x, use(x.tape(), gamma_, pass));
}

Dropout::Dropout(float probability, uint64_t id) : probability_(probability), id_(id) {
  ASSAY_CHECK(probability >= 0 && probability < 1, "dropout: probability ", probability, ", expected 0 to below 1");
  ASSAY_CHECK(id < kMaxDropouts, "dropout: id ", id, ", expected less than ", kMaxDropouts);
}

Var Dropout::forward(const Var& x, const Pass& pass) const {
  if (!pass.trains || probability_ == 0) return x;
  return autograd::dropout(x, probability_, pass.seed, pass.step * kMaxDropouts + id_);
}

Mlp::Mlp(ParameterList* list, const std::string& name, int64_t width, int64_t hidden, int64_t out)
    : Mlp(list, name, width, hidden, out, Drop()) {}

Mlp::Mlp(ParameterList* list, const std::string& name, int64_t width, int64_t hidden, int64_t out, const Drop& drop)
    : fc1_(list, name + ".fc1", width, hidden),
      fc2_(list, name + ".fc2", hidden, out),
      input_(drop.input, drop.first_id),
      hidden_(drop.hidden, drop.first_id + 1),
      output_(drop.output, drop.first_id + 2) {}

Var Mlp::forward(const Var& x, const Pass& pass) const {
  const Var inside = autograd::gelu(fc1_.forward(input_.forward(x, pass), pass));
  return output_.forward(fc2_.forward(hidden_.forward(inside, pass), pass), pass);
}

SelfAttention::SelfAttention(ParameterList* list, const std::string& name, int64_t width, int64_t heads)
    : heads_(heads), qkv_(list, name + ".qkv", width, 3 * width), proj_(list, name + ".proj", width, width) {
  ASSAY_CHECK(heads >= 1 && width % heads == 0, name, ": ", heads, " heads for a width of ", width,
              ", expected a divisor of it");
}

Var SelfAttention::forward(const Var& x, const Pass& pass) const {
  return proj_.forward(autograd::attention(qkv_.forward(x, pass), heads_), pass);
}

}  // namespace assay::models
