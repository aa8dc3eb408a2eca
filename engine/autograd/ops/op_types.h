// SPDX-License-Identifier: Apache-2.0
// Every differentiable operation. Tests walk the list: one that is not here is not tested, and one that is here without
// an example of its gradient does not compile there.
#pragma once

#include <tuple>

#include "engine/autograd/ops/activation.h"
#include "engine/autograd/ops/attention.h"
#include "engine/autograd/ops/batch_norm.h"
#include "engine/autograd/ops/concat.h"
#include "engine/autograd/ops/conv.h"
#include "engine/autograd/ops/dropout.h"
#include "engine/autograd/ops/elementwise.h"
#include "engine/autograd/ops/layer_norm.h"
#include "engine/autograd/ops/linear.h"
#include "engine/autograd/ops/linear_attention.h"
#include "engine/autograd/ops/map_cosine.h"
#include "engine/autograd/ops/reduce.h"
#include "engine/autograd/ops/reshape.h"
#include "engine/autograd/ops/skip_tokens.h"
#include "engine/autograd/ops/softmax.h"

namespace assay::autograd {

using AllOps = std::tuple<Activation, Add, Attention, BatchNorm, Concat, Conv2d, ConvTranspose2d, Dropout, LayerNorm,
                          Linear, LinearAttention, MapCosine, Multiply, Reduce, Reshape, Scale, SkipTokens, Softmax>;

}  // namespace assay::autograd
