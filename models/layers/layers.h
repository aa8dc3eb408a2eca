// SPDX-License-Identifier: Apache-2.0
// The layers of transformers: parameters, named as PyTorch's modules name them, and calls to operations. A layer points
// to parameters of a list that must outlive it; what a pass computes goes on the tape of its input. x is (B, T, C) or
// has any other leading axes where a layer works row by row. Layers are cheap to copy, immutable, and safe to share
// between threads that do not train.
#pragma once

#include <cstdint>
#include <string>

#include "engine/autograd/tape.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

// y = x W^T + b: `name.weight` (C_out, C_in), truncated normal; `name.bias` (C_out), zeros.
class Linear {
 public:
  enum class Bias { kYes, kNo };
  Linear(ParameterList* list, const std::string& name, int64_t in, int64_t out, Bias bias = Bias::kYes);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  autograd::Parameter* weight_;
  autograd::Parameter* bias_;  // null: none
};

// `name.weight` (C), ones; `name.bias` (C), zeros.
class LayerNorm {
 public:
  LayerNorm(ParameterList* list, const std::string& name, int64_t width, float eps);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  autograd::Parameter* weight_;
  autograd::Parameter* bias_;
  float eps_;
};

// x * gamma, `name.gamma` (C), ones. (Touvron et al. 2021; trained values come from a file.)
class LayerScale {
 public:
  LayerScale(ParameterList* list, const std::string& name, int64_t width);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  autograd::Parameter* gamma_;
};

// Inverted dropout while training, nothing otherwise. `id` tells a network's dropouts apart: below kMaxDropouts.
class Dropout {
 public:
  static constexpr uint64_t kMaxDropouts = 1 << 16;
  // 0 <= probability < 1 (assay::Error).
  Dropout(float probability, uint64_t id);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  float probability_;
  uint64_t id_;
};

// fc2(GELU(fc1(x))), `name.fc1` and `name.fc2`, with one probability of dropout before fc1, after GELU and after fc2.
class Mlp {
 public:
  struct Drop {
    float input = 0;        // before fc1
    float hidden = 0;       // after GELU
    float output = 0;       // after fc2
    uint64_t first_id = 0;  // the layer takes three ids
  };
  Mlp(ParameterList* list, const std::string& name, int64_t width, int64_t hidden, int64_t out);
  Mlp(ParameterList* list, const std::string& name, int64_t width, int64_t hidden, int64_t out, const Drop& drop);
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  Linear fc1_, fc2_;
  Dropout input_, hidden_, output_;
};

// Softmax attention among the tokens of an image: `name.qkv` (3 C, C), `name.proj` (C, C). width is a multiple of heads
// (assay::Error).
class SelfAttention {
 public:
  SelfAttention(ParameterList* list, const std::string& name, int64_t width, int64_t heads);
  // x: (B, T, C).
  autograd::Var forward(const autograd::Var& x, const Pass& pass) const;

 private:
  int64_t heads_;
  Linear qkv_, proj_;
};

}  // namespace assay::models
