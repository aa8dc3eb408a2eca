// SPDX-License-Identifier: Apache-2.0
// What reverse distillation trains: a one-class bottleneck embedding of a frozen network's levels, and a decoder that
// gives the levels back. Source: Deng, Li 2022, "Anomaly Detection via Reverse Distillation from One-Class Embedding",
// section 3, and the published code, here for any number n of levels, each of half the resolution of the one before.
//
//   fusion     each level comes to the last one's grid by convolutions 3 x 3 with stride 2, batch norm and ReLU, its
//              channels becoming those of the levels that it passes; all n then stand side by side
//   embedding  residual blocks, the first with stride 2, to twice the last level's channels
//   decoder    of each level, the last one first: residual blocks that mirror the frozen network's, the first with a
//              transposed convolution 2 x 2 of stride 2 in the place of its strided one and in its shortcut
//
// Names and shapes of parameters are the published ones where n = 3.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/autograd/tape.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

constexpr size_t kMaxRdLevels = 6;

struct RdShape {
  enum class Block {
    kBasic,           // two convolutions 3 x 3, two blocks a level: mirrors ResNet-18
    kBottleneck,      // 1 x 1, 3 x 3 of a quarter of the channels, 1 x 1; three blocks, then 3, 4, 6: ResNet-50
    kWideBottleneck,  // the 3 x 3 of half the channels: Wide ResNet-50-2
  };
  std::vector<int64_t> widths;  // channels of the levels, the finest first
  Block block = Block::kBasic;
  // The levels are what a ReLU has left, as a ResNet's, and so are their reconstructions; otherwise these are the sums
  // before a ReLU, which alone can be negative.
  bool is_rectified = false;

  int64_t num_levels() const { return static_cast<int64_t>(widths.size()); }
};

// Throws assay::Error where there is no level, or a width is no multiple of what its blocks need.
void check_rd_shape(const RdShape& shape);

class RdNetwork {
 public:
  // Declares its parameters in `list`, which must outlive it. Throws assay::Error as check_rd_shape does.
  RdNetwork(ParameterList* list, const RdShape& shape);
  ~RdNetwork();

  const RdShape& shape() const { return shape_; }
  // levels: (B, H 2^(n - 1 - i), W 2^(n - 1 - i), C_i). Returns their reconstructions, of the same shapes. A pass that
  // trains needs at least two cells of the embedding in a batch, (H / 2) x (W / 2) an image: batch norm's.
  std::vector<autograd::Var> forward(const std::vector<autograd::Var>& levels, const Pass& pass) const;

 private:
  struct Layers;
  RdShape shape_;
  std::unique_ptr<Layers> layers_;
};

}  // namespace assay::models
