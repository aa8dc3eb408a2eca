// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/rd_network.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/autograd/ops/activation.h"
#include "engine/autograd/ops/concat.h"
#include "engine/autograd/ops/elementwise.h"
#include "kernels/base/text.h"
#include "models/layers/conv_layers.h"

namespace assay::models {
namespace {

using autograd::Var;

// A convolution, or in its place one that doubles the sides, and its norm.
class Step {
 public:
  static Step conv(ParameterList* list, const std::string& name, const std::string& norm, int64_t in, int64_t out,
                   int64_t kernel, int64_t stride) {
    Step step;
    step.conv_.emplace(list, name, in, out, kernel, stride, kernel / 2);
    step.norm_.emplace(list, norm, out);
    return step;
  }
  static Step upsample(ParameterList* list, const std::string& name, const std::string& norm, int64_t in, int64_t out) {
    Step step;
    step.upsample_.emplace(list, name, in, out);
    step.norm_.emplace(list, norm, out);
    return step;
  }
  // height and width are those that upsampling leads to.
  Var forward(const Var& x, int64_t height, int64_t width, const Pass& pass) const {
    return norm_->forward(conv_.has_value() ? conv_->forward(x, pass) : upsample_->forward(x, height, width, pass),
                          pass);
  }

 private:
  std::optional<Conv2d> conv_;
  std::optional<Upsample2x2> upsample_;
  std::optional<BatchNorm2d> norm_;
};

enum class Resampling { kNone, kDown, kUp };

// A residual block, whose sum the caller rectifies. Where it resamples, or changes the channels, its shortcut does,
// too.
class ResidualBlock {
 public:
  ResidualBlock(ParameterList* list, const std::string& name, int64_t in, int64_t out, RdShape::Block block,
                Resampling resampling) {
    const auto add = [&](int64_t from, int64_t to, int64_t kernel, Resampling how) {
      const size_t number = steps_.size() + 1;
      steps_.push_back(make_step(list, text(name, ".conv", number), text(name, ".bn", number), from, to, kernel, how));
    };
    if (block == RdShape::Block::kBasic) {
      add(in, out, 3, resampling);
      add(out, out, 3, Resampling::kNone);
    } else {
      const int64_t inside = out / 4 * (block == RdShape::Block::kWideBottleneck ? 2 : 1);
      add(in, inside, 1, Resampling::kNone);
      add(inside, inside, 3, resampling);
      add(inside, out, 1, Resampling::kNone);
    }
    if (resampling == Resampling::kNone && in == out) return;
    const std::string shortcut = name + (resampling == Resampling::kUp ? ".upsample" : ".downsample");
    shortcut_.push_back(make_step(list, shortcut + ".0", shortcut + ".1", in, out, 1, resampling));
  }

  Var forward(const Var& x, int64_t height, int64_t width, const Pass& pass) const {
    Var y = x;
    for (size_t i = 0; i < steps_.size(); ++i) {
      y = steps_[i].forward(i == 0 ? y : autograd::relu(y), height, width, pass);
    }
    return autograd::add(y, shortcut_.empty() ? x : shortcut_[0].forward(x, height, width, pass));
  }

 private:
  static Step make_step(ParameterList* list, const std::string& name, const std::string& norm, int64_t in, int64_t out,
                        int64_t kernel, Resampling how) {
    return how == Resampling::kUp ? Step::upsample(list, name, norm, in, out)
                                  : Step::conv(list, name, norm, in, out, kernel, how == Resampling::kDown ? 2 : 1);
  }

  std::vector<Step> steps_;
  std::vector<Step> shortcut_;  // none, or one
};

int64_t embedding_blocks(RdShape::Block block) { return block == RdShape::Block::kBasic ? 2 : 3; }

int64_t decoder_blocks(RdShape::Block block, int64_t stage) {
  if (block == RdShape::Block::kBasic) return 2;
  constexpr int64_t kBlocks[] = {3, 4, 6};
  return kBlocks[std::min<int64_t>(stage, 2)];
}

std::vector<ResidualBlock> make_blocks(ParameterList* list, const std::string& name, int64_t count, int64_t in,
                                       int64_t out, RdShape::Block block, Resampling resampling) {
  std::vector<ResidualBlock> blocks;
  for (int64_t i = 0; i < count; ++i) {
    blocks.emplace_back(list, text(name, ".", i), i == 0 ? in : out, out, block,
                        i == 0 ? resampling : Resampling::kNone);
  }
  return blocks;
}

// The last block's sum.
Var run_blocks(const std::vector<ResidualBlock>& blocks, Var x, int64_t height, int64_t width, const Pass& pass) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    x = blocks[i].forward(i == 0 ? x : autograd::relu(x), height, width, pass);
  }
  return x;
}

}  // namespace

struct RdNetwork::Layers {
  Layers(ParameterList* list, const RdShape& s) {
    const int64_t n = s.num_levels(), last = s.widths.back(), embedding = 2 * last;
    int number = 1;
    for (int64_t level = 0; level + 1 < n; ++level) {
      fusion.emplace_back();
      for (int64_t i = level; i + 1 < n; ++i, ++number) {
        fusion.back().push_back(
            Step::conv(list, text("bn.conv", number), text("bn.bn", number), s.widths[i], s.widths[i + 1], 3, 2));
      }
    }
    embed =
        make_blocks(list, "bn.bn_layer", embedding_blocks(s.block), n * last, embedding, s.block, Resampling::kDown);
    for (int64_t stage = 0; stage < n; ++stage) {
      const int64_t in = stage == 0 ? embedding : s.widths[n - stage], out = s.widths[n - 1 - stage];
      decoder.push_back(make_blocks(list, text("decoder.layer", stage + 1), decoder_blocks(s.block, stage), in, out,
                                    s.block, Resampling::kUp));
    }
  }
  std::vector<std::vector<Step>> fusion;  // of each level but the last
  std::vector<ResidualBlock> embed;
  std::vector<std::vector<ResidualBlock>> decoder;  // the last level's first
};

void check_rd_shape(const RdShape& shape) {
  const int64_t unit = shape.block == RdShape::Block::kBasic ? 1 : 4;
  ASSAY_CHECK(!shape.widths.empty() && shape.widths.size() <= kMaxRdLevels, "rd: ", shape.widths.size(),
              " levels, expected 1 to ", kMaxRdLevels);
  for (const int64_t width : shape.widths) {
    ASSAY_CHECK(width >= unit && width % unit == 0, "rd: a level of ", width, " channels, expected a multiple of ",
                unit);
  }
}

RdNetwork::RdNetwork(ParameterList* list, const RdShape& shape) : shape_(shape) {
  check_rd_shape(shape);
  layers_ = std::make_unique<Layers>(list, shape);
}

RdNetwork::~RdNetwork() = default;

std::vector<Var> RdNetwork::forward(const std::vector<Var>& levels, const Pass& pass) const {
  const size_t n = shape_.widths.size();
  ASSAY_CHECK(levels.size() == n, "rd: ", levels.size(), " levels, expected ", n);
  std::vector<Var> fused;
  for (size_t level = 0; level + 1 < n; ++level) {
    Var x = levels[level];
    for (const Step& step : layers_->fusion[level]) x = autograd::relu(step.forward(x, 0, 0, pass));
    fused.push_back(x);
  }
  fused.push_back(levels.back());
  Var x = autograd::relu(run_blocks(layers_->embed, autograd::concat(fused), 0, 0, pass));
  std::vector<Var> reconstructions(n);
  for (size_t stage = 0; stage < n; ++stage) {
    const size_t level = n - 1 - stage;
    const Tensor& target = levels[level].value();
    const Var sum = run_blocks(layers_->decoder[stage], x, target.dim(1), target.dim(2), pass);
    const bool is_needed = shape_.is_rectified || level > 0;
    x = is_needed ? autograd::relu(sum) : Var();
    reconstructions[level] = shape_.is_rectified ? x : sum;
  }
  return reconstructions;
}

}  // namespace assay::models
