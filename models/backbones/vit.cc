// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/vit.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/autograd/ops/elementwise.h"
#include "engine/conv_graph/conv_graph.h"
#include "engine/device/stream.h"
#include "engine/ops/resize_bicubic.h"
#include "kernels/base/text.h"
#include "models/layers/layers.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;

constexpr float kNormEps = 1e-6f;
constexpr int64_t kMlpRatio = 4;
constexpr double kInterpolateOffset = 0.1;  // cells; keeps the scaled grid from losing its last cell to rounding
constexpr char kTag[] = "vit";
// ImageNet's mean and deviation, for levels 0 to 255.
const conv_graph::ImageScale kScale = {{0.485f * 255, 0.456f * 255, 0.406f * 255},
                                       {0.229f * 255, 0.224f * 255, 0.225f * 255}};

class Block {
 public:
  Block(ParameterList* list, const std::string& name, const VitShape& s)
      : norm1_(list, name + ".norm1", s.width, kNormEps),
        attention_(list, name + ".attn", s.width, s.heads),
        scale1_(list, name + ".ls1", s.width),
        norm2_(list, name + ".norm2", s.width, kNormEps),
        mlp_(list, name + ".mlp", s.width, kMlpRatio * s.width, s.width),
        scale2_(list, name + ".ls2", s.width) {}

  Var forward(const Var& x, const Pass& pass) const {
    const Var y = autograd::add(x, scale1_.forward(attention_.forward(norm1_.forward(x, pass), pass), pass));
    return autograd::add(y, scale2_.forward(mlp_.forward(norm2_.forward(y, pass), pass), pass));
  }

 private:
  LayerNorm norm1_;
  SelfAttention attention_;
  LayerScale scale1_;
  LayerNorm norm2_;
  Mlp mlp_;
  LayerScale scale2_;
};

struct Workspace : BackboneWorkspace {
  conv_graph::ConvWorkspace patches;
  // What is added to the tokens of an image of height x width cells: (T, C).
  int64_t height = 0, width = 0;
  Tensor positions;
};

// The tokens of B images: their grid and the cells of one.
struct Tokens {
  int64_t batch, height, width;
  int64_t cells() const { return height * width; }
};

class Vit : public VitBackbone {
 public:
  Vit(std::string name, const VitShape& shape, Device device) : name_(std::move(name)), shape_(shape), device_(device) {
    class_token_ = list_.declare("cls_token", {1, 1, shape.width}, Initial::kZeros);
    positions_ = list_.declare("pos_embed", {1, 1 + shape.trained_grid * shape.trained_grid, shape.width},
                               Initial::kTruncatedNormal);
    registers_ = list_.declare("register_tokens", {1, shape.registers, shape.width}, Initial::kZeros);
    list_.declare("patch_embed.proj.weight", {shape.width, 3, shape.patch, shape.patch}, Initial::kTruncatedNormal);
    list_.declare("patch_embed.proj.bias", {shape.width}, Initial::kZeros);
    for (int64_t i = 0; i < shape.depth; ++i) {
      blocks_.emplace_back(&list_, text("blocks.", i), shape);
      levels_.push_back({text("layer", i), shape.patch, shape.width});
    }
  }

  Status load(const NamedTensors& weights) {
    std::set<std::string> unused = {"mask_token"};
    const auto is_norm = [](const auto& named) { return named.first == "norm.weight" || named.first == "norm.bias"; };
    if (std::count_if(weights.begin(), weights.end(), is_norm) == 2) {
      norm_ = std::make_unique<LayerNorm>(&list_, "norm", shape_.width, kNormEps);
      levels_.push_back({"norm", shape_.patch, shape_.width});
    } else {
      unused.insert({"norm.weight", "norm.bias"});
    }
    NamedTensors used;
    conv_graph::ConvNode patches;
    for (const auto& [name, tensor] : weights) {
      if (unused.count(name) == 0) used.push_back({name, tensor});
      if (name == "patch_embed.proj.weight") patches.weight = tensor;
      if (name == "patch_embed.proj.bias") patches.bias = tensor;
    }
    if (const Status loaded = list_.load(used, device_); !loaded.ok()) {
      return Status::error(name_, ": ", loaded.message());
    }
    patches.name = "patch_embed";
    patches.stride = shape_.patch;
    patches_ = std::make_unique<conv_graph::ConvGraph>(std::vector<conv_graph::ConvNode>{patches}, kScale, device_);
    return Status();
  }

  const std::string& name() const override { return name_; }
  Device device() const override { return device_; }
  int64_t side_multiple() const override { return shape_.patch; }
  const std::vector<BackboneLevel>& levels() const override { return levels_; }
  std::unique_ptr<BackboneWorkspace> make_workspace() const override { return std::make_unique<Workspace>(); }
  int64_t num_prefix_tokens() const override { return 1 + shape_.registers; }

  std::vector<Tensor> forward_tokens(const Tensor& images, const std::vector<std::string>& levels,
                                     BackboneWorkspace& workspace) const override {
    auto* own = dynamic_cast<Workspace*>(&workspace);
    ASSAY_CHECK(own != nullptr, name_, ": the workspace was made by another backbone");
    const Tokens tokens = check_images(images);
    const std::vector<size_t> wanted = check_levels(levels);
    Tape tape;
    Var x = embed(tape, images, tokens, own);
    std::vector<Tensor> out(levels.size());
    const size_t last = *std::max_element(wanted.begin(), wanted.end());
    for (size_t i = 0; i <= last; ++i) {
      x = i < blocks_.size() ? blocks_[i].forward(x, Pass()) : norm_->forward(x, Pass());
      const auto at = std::find(wanted.begin(), wanted.end(), i);
      if (at != wanted.end()) out[static_cast<size_t>(at - wanted.begin())] = x.value();
    }
    return out;
  }

  std::vector<FeatureMap> forward(const Tensor& images, const std::vector<std::string>& levels,
                                  BackboneWorkspace& workspace) const override {
    const std::vector<Tensor> all = forward_tokens(images, levels, workspace);
    const Tokens tokens = check_images(images);
    const Stream& stream = current_stream(device_);
    const int64_t num_prefix = num_prefix_tokens(), cells = tokens.cells(), per_image = num_prefix + cells;
    std::vector<FeatureMap> maps;
    for (const Tensor& level : all) {
      const Tensor rows = Tensor::empty<float>({tokens.batch * cells, shape_.width}, "features", device_);
      const Tensor prefix = Tensor::empty<float>({tokens.batch * num_prefix, shape_.width}, "features", device_);
      const Tensor flat = level.reshape({tokens.batch * per_image, shape_.width});
      for (int64_t b = 0; b < tokens.batch; ++b) {
        const Tensor image = flat.rows(b * per_image, (b + 1) * per_image);
        copy(image.rows(0, num_prefix), prefix.rows(b * num_prefix, (b + 1) * num_prefix), stream);
        copy(image.rows(num_prefix, per_image), rows.rows(b * cells, (b + 1) * cells), stream);
      }
      maps.push_back({rows, tokens.height, tokens.width, prefix});
    }
    return maps;
  }

 private:
  Tokens check_images(const Tensor& images) const {
    const bool is_batch = images.rank() == 4;
    const bool is_image = (is_batch || images.rank() == 3) && images.shape().back() == 3 &&
                          images.dtype() == DType::kUInt8 && images.size() > 0;
    ASSAY_CHECK(is_image && images.dim(is_batch) % shape_.patch == 0 && images.dim(is_batch + 1) % shape_.patch == 0,
                name_, ": image of shape ", to_string(images.shape()),
                ", expected (H, W, 3) of uint8 with H and W multiples of ", shape_.patch);
    return {is_batch ? images.dim(0) : 1, images.dim(is_batch) / shape_.patch, images.dim(is_batch + 1) / shape_.patch};
  }

  std::vector<size_t> check_levels(const std::vector<std::string>& levels) const {
    ASSAY_CHECK(!levels.empty(), name_, ": no level is asked for");
    std::vector<size_t> wanted;
    for (const std::string& level : levels) {
      const size_t index = level_index(level);
      ASSAY_CHECK(std::find(wanted.begin(), wanted.end(), index) == wanted.end(), name_, ": level ", level,
                  " asked for twice");
      wanted.push_back(index);
    }
    return wanted;
  }

  // Class token, registers, patches; positions added to all but the registers. (B, T, C).
  Var embed(Tape& tape, const Tensor& images, const Tokens& tokens, Workspace* own) const {
    const Stream& stream = current_stream(device_);
    const int64_t cells = tokens.cells(), prefix = num_prefix_tokens(), per_image = prefix + cells;
    const Tensor batch = images.rank() == 4 ? images : images.reshape({1, images.dim(0), images.dim(1), 3});
    const Tensor patches =
        Tensor::empty<float>({tokens.batch, tokens.height, tokens.width, shape_.width}, kTag, device_);
    patches_->forward(batch, {0}, {patches}, own->patches);
    const Tensor x = Tensor::zeros<float>({tokens.batch * per_image, shape_.width}, kTag, device_);
    const Tensor rows = patches.reshape({tokens.batch * cells, shape_.width});
    for (int64_t b = 0; b < tokens.batch; ++b) {
      copy(rows.rows(b * cells, (b + 1) * cells), x.rows(b * per_image + prefix, (b + 1) * per_image), stream);
    }
    if (own->height != tokens.height || own->width != tokens.width) {
      own->positions = prefix_and_positions(tape, tokens);
      own->height = tokens.height;
      own->width = tokens.width;
    }
    return autograd::add(tape.constant(x.reshape({tokens.batch, per_image, shape_.width})),
                         tape.constant(own->positions));
  }

  Tensor prefix_and_positions(Tape& tape, const Tokens& tokens) const {
    const Stream& stream = current_stream(device_);
    const int64_t width = shape_.width, grid = shape_.trained_grid, prefix = num_prefix_tokens();
    const Tensor trained = positions_->value.reshape({1 + grid * grid, width});
    const Tensor all = Tensor::empty<float>({prefix + tokens.cells(), width}, kTag, device_);
    const Var class_token =
        autograd::add(tape.constant(class_token_->value.reshape({1, width})), tape.constant(trained.rows(0, 1)));
    copy(class_token.value(), all.rows(0, 1), stream);
    if (prefix > 1) copy(registers_->value.reshape({prefix - 1, width}), all.rows(1, prefix), stream);
    Tensor cells = trained.rows(1, 1 + grid * grid);
    if (tokens.height != grid || tokens.width != grid) {
      const auto step = [grid](int64_t n) {
        return static_cast<double>(grid) / (static_cast<double>(n) + kInterpolateOffset);
      };
      cells = ops::resize_bicubic(cells.reshape({grid, grid, width}), tokens.height, tokens.width, step(tokens.height),
                                  step(tokens.width))
                  .reshape({tokens.cells(), width});
    }
    copy(cells, all.rows(prefix, prefix + tokens.cells()), stream);
    return all;
  }

  const std::string name_;
  const VitShape shape_;
  const Device device_;
  ParameterList list_;
  autograd::Parameter* class_token_;
  autograd::Parameter* positions_;
  autograd::Parameter* registers_;
  std::vector<Block> blocks_;
  std::unique_ptr<LayerNorm> norm_;  // null: not among the weights
  std::vector<BackboneLevel> levels_;
  std::unique_ptr<conv_graph::ConvGraph> patches_;
};

}  // namespace

Result<std::unique_ptr<VitBackbone>> make_vit(const std::string& name, const VitShape& shape,
                                              const NamedTensors& weights, Device device) {
  auto vit = std::make_unique<Vit>(name, shape, device);
  ASSAY_RETURN_IF_ERROR(vit->load(weights));
  return std::unique_ptr<VitBackbone>(std::move(vit));
}

}  // namespace assay::models
