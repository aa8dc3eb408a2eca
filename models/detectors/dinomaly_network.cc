// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/dinomaly_network.h"

#include <algorithm>

#include "engine/autograd/ops/elementwise.h"
#include "engine/autograd/ops/linear_attention.h"

namespace assay::models {
namespace {

using autograd::Var;

constexpr float kNormEps = 1e-8f;       // the published decoder's
constexpr int64_t kHiddenFactor = 4;    // an MLP's hidden layer
constexpr int64_t kMaxHeadWidth = 128;  // of the attention kernels

Var mean_of(const std::vector<Var>& values) {
  Var sum = values[0];
  for (size_t i = 1; i < values.size(); ++i) sum = autograd::add(sum, values[i]);
  return values.size() == 1 ? sum : autograd::scale(sum, 1.0f / static_cast<float>(values.size()));
}

Mlp make_bottleneck(ParameterList* list, const DinomalyShape& s) {
  ASSAY_CHECK(s.width >= 1 && s.heads >= 1 && s.width % s.heads == 0 && s.width / s.heads <= kMaxHeadWidth,
              "dinomaly: ", s.heads, " heads for a width of ", s.width,
              ", expected a divisor of it with heads of at most ", kMaxHeadWidth);
  ASSAY_CHECK(s.groups >= 1 && s.blocks >= s.groups && s.blocks % s.groups == 0, "dinomaly: ", s.blocks, " blocks for ",
              s.groups, " groups, expected a multiple");
  return Mlp(list, "bottleneck", s.width, kHiddenFactor * s.width, s.width, {s.dropout, s.dropout, s.dropout, 0});
}

}  // namespace

int64_t dinomaly_heads(int64_t width) {
  int64_t heads = std::max<int64_t>(1, (width + 63) / 64);
  while (width % heads != 0) ++heads;
  return heads;
}

DinomalyNetwork::DinomalyNetwork(ParameterList* list, const DinomalyShape& shape)
    : shape_(shape), bottleneck_(make_bottleneck(list, shape)) {
  for (int64_t i = 0; i < shape.blocks; ++i) blocks_.push_back(make_block(list, text("decoder.", i), shape));
}

DinomalyNetwork::Block DinomalyNetwork::make_block(ParameterList* list, const std::string& name,
                                                   const DinomalyShape& shape) {
  const int64_t c = shape.width;
  return {LayerNorm(list, name + ".norm1", c, kNormEps), Linear(list, name + ".attn.qkv", c, 3 * c),
          Linear(list, name + ".attn.proj", c, c), LayerNorm(list, name + ".norm2", c, kNormEps),
          Mlp(list, name + ".mlp", c, kHiddenFactor * c, c)};
}

Var DinomalyNetwork::run_block(const Block& block, const Var& x, const Pass& pass) const {
  const Var qkv = block.qkv.forward(block.norm1.forward(x, pass), pass);
  const Var y = autograd::add(x, block.proj.forward(autograd::linear_attention(qkv, shape_.heads), pass));
  return autograd::add(y, block.mlp.forward(block.norm2.forward(y, pass), pass));
}

std::vector<Var> DinomalyNetwork::forward(const std::vector<Var>& targets, const Pass& pass, bool recompute) const {
  ASSAY_CHECK(static_cast<int64_t>(targets.size()) == shape_.groups, "dinomaly: ", targets.size(), " groups, expected ",
              shape_.groups);
  Var x = bottleneck_.forward(mean_of(targets), pass);
  std::vector<Var> outputs;
  for (const Block& block : blocks_) {
    if (recompute && pass.trains) {
      const auto run = [this, &block, pass](autograd::Tape&, const std::vector<Var>& in) {
        return std::vector<Var>{run_block(block, in[0], pass)};
      };
      x = autograd::checkpoint(x.tape(), run, {x})[0];
    } else {
      x = run_block(block, x, pass);
    }
    outputs.push_back(x);
  }
  std::reverse(outputs.begin(), outputs.end());
  std::vector<Var> reconstructions;
  const auto per_group = static_cast<std::ptrdiff_t>(shape_.blocks / shape_.groups);
  for (std::ptrdiff_t g = 0; g < static_cast<std::ptrdiff_t>(shape_.groups); ++g) {
    const auto first = outputs.begin() + g * per_group;
    reconstructions.push_back(mean_of({first, first + per_group}));
  }
  return reconstructions;
}

}  // namespace assay::models
