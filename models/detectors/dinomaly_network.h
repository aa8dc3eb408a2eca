// SPDX-License-Identifier: Apache-2.0
// Dinomaly's trained part: a noisy bottleneck and a decoder with linear attention that reconstruct frozen features.
// Source: Guo, Lu, Jia, Zhang, Li 2025, "Dinomaly: The Less Is More Philosophy in Multi-Class Unsupervised Anomaly
// Detection", section 3.
//
//   x = mean of the G target groups                                             (B, P, C)
//   x = MLP(x), dropout before, between and after its layers                    the noisy bottleneck
//   x = x + proj(linear_attention(qkv(norm(x)))),  x = x + MLP(norm(x))         each of L decoder blocks
//   reconstruction of group g = mean of the outputs of the g-th L / G blocks, counted from the last block backwards
//
// so that the group of the earliest features is reconstructed by the last blocks. P tokens, in whatever arrangement:
// nothing depends on their positions.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/autograd/tape.h"
#include "models/layers/layers.h"

namespace assay::models {

struct DinomalyShape {
  int64_t width;       // C
  int64_t groups = 1;  // G >= 1
  int64_t blocks = 8;  // L, a multiple of G
  int64_t heads;       // C is a multiple of it
  float dropout = 0.2f;
};

class DinomalyNetwork {
 public:
  // Declares its parameters in `list`, which must outlive it. Throws assay::Error where a shape does not fit.
  DinomalyNetwork(ParameterList* list, const DinomalyShape& shape);

  const DinomalyShape& shape() const { return shape_; }
  // targets: G values of (B, P, C). Returns as many reconstructions. recompute: activations inside blocks are not kept
  // for backward but computed again, for less memory and one more forward pass; the same gradients but for
  // rounding.
  std::vector<autograd::Var> forward(const std::vector<autograd::Var>& targets, const Pass& pass,
                                     bool recompute = false) const;

 private:
  struct Block {
    LayerNorm norm1;
    Linear qkv;
    Linear proj;
    LayerNorm norm2;
    Mlp mlp;
  };
  static Block make_block(ParameterList* list, const std::string& name, const DinomalyShape& shape);
  autograd::Var run_block(const Block& block, const autograd::Var& x, const Pass& pass) const;

  DinomalyShape shape_;
  Mlp bottleneck_;
  std::vector<Block> blocks_;
};

// Heads for a width: as many as give heads of 64 channels, or the nearest number above that divides the width.
int64_t dinomaly_heads(int64_t width);

}  // namespace assay::models
