// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/efficientnet_lite0.h"

#include <algorithm>
#include <utility>

#include "engine/conv_graph/conv_graph.h"
#include "engine/ops/convert_float16.h"
#include "models/weights/embedded_weights.h"

namespace assay::models {
namespace {

using conv_graph::Activation;
using conv_graph::ConvGraph;
using conv_graph::ConvNode;
using conv_graph::ConvWorkspace;
using conv_graph::ImageScale;
using conv_graph::kConvImage;
using conv_graph::kConvNoResidual;

// ---- The architecture

struct Stage {
  int64_t blocks;
  int64_t kernel;
  int64_t stride;  // of the first block; the others have 1
  int64_t expand;  // channels inside a block, as a multiple of its input's
  int64_t channels;
};

constexpr int64_t kStemChannels = 32;
constexpr int64_t kStemKernel = 3;
constexpr int64_t kStemStride = 2;
constexpr Stage kStages[] = {
    {1, 3, 1, 1, 16},  {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40},  {3, 3, 2, 6, 80},
    {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320},
};
const ImageScale kScale = {{127, 127, 127}, {128, 128, 128}};

// ---- From the table and the weights to a graph

struct Network {
  std::vector<ConvNode> nodes;
  std::vector<BackboneLevel> levels;
  std::vector<int> level_nodes;  // a level's node
};

class Builder {
 public:
  explicit Builder(const io::SafetensorsReader& weights) : weights_(weights) {}

  Result<Network> build() {
    ASSAY_RETURN_IF_ERROR(add({"stem", kConvImage, kConvNoResidual, kStemStride, false, Activation::kRelu6, {}, {}},
                              kStemChannels, kStemKernel, /*is_level=*/true));
    int index = 0;
    for (const Stage& stage : kStages) {
      for (int64_t b = 0; b < stage.blocks; ++b) {
        ASSAY_RETURN_IF_ERROR(add_block(text("block", index++), stage, b == 0 ? stage.stride : 1));
      }
    }
    if (weights_.entries().size() != 2 * network_.nodes.size()) {
      return Status::error("efficientnet_lite0: the weights hold ", weights_.entries().size(), " tensors, expected ",
                           2 * network_.nodes.size());
    }
    return std::move(network_);
  }

 private:
  Status add_block(const std::string& name, const Stage& stage, int64_t stride) {
    const int input = last();
    const int64_t channels_in = channels_;
    const int64_t inside = channels_in * stage.expand;
    if (stage.expand != 1) {
      ASSAY_RETURN_IF_ERROR(add({name + ".expand", input, kConvNoResidual, 1, false, Activation::kRelu6, {}, {}},
                                inside, 1, /*is_level=*/true));
    }
    ASSAY_RETURN_IF_ERROR(add({name + ".depthwise", last(), kConvNoResidual, stride, true, Activation::kRelu6, {}, {}},
                              inside, stage.kernel, /*is_level=*/false));
    const bool has_residual = stride == 1 && channels_in == stage.channels;
    ASSAY_RETURN_IF_ERROR(
        add({name + ".project", last(), has_residual ? input : kConvNoResidual, 1, false, Activation::kNone, {}, {}},
            stage.channels, 1, /*is_level=*/false));
    add_level(name);
    return {};
  }

  Status add(ConvNode node, int64_t channels, int64_t kernel, bool is_level) {
    const Shape shape = {channels, node.depthwise ? 1 : channels_, kernel, kernel};
    Result<Tensor> weight = read_float(node.name + ".weight", shape);
    if (!weight.ok()) return weight.status();
    Result<Tensor> bias = read_float(node.name + ".bias", {channels});
    if (!bias.ok()) return bias.status();
    node.weight = std::move(weight).value();
    node.bias = std::move(bias).value();
    stride_ *= node.stride;
    channels_ = channels;
    const std::string name = node.name;
    network_.nodes.push_back(std::move(node));
    if (is_level) add_level(name);
    return {};
  }

  void add_level(const std::string& name) {
    network_.levels.push_back({name, stride_, channels_});
    network_.level_nodes.push_back(last());
  }

  int last() const { return static_cast<int>(network_.nodes.size()) - 1; }

  // Stored in float16 or float32, whichever the converter chose.
  Result<Tensor> read_float(const std::string& name, const Shape& shape) const {
    const io::SafetensorsEntry* entry = weights_.find(name);
    const bool is_half = entry && entry->dtype == DType::kFloat16;
    Result<Tensor> stored = weights_.read(name, is_half ? DType::kFloat16 : DType::kFloat32, shape, "backbone weights");
    if (!stored.ok() || !is_half) return stored;
    return ops::to_float32(stored.value(), "backbone weights");
  }

  const io::SafetensorsReader& weights_;
  Network network_;
  int64_t channels_ = 3;
  int64_t stride_ = 1;
};

// ---- The backbone

struct Workspace : BackboneWorkspace {
  ConvWorkspace conv;
};

class EfficientNetLite0 : public Backbone {
 public:
  EfficientNetLite0(Network network, Device device)
      : levels_(std::move(network.levels)),
        level_nodes_(std::move(network.level_nodes)),
        graph_(std::move(network.nodes), kScale, device) {}

  const std::string& name() const override {
    static const std::string name = "efficientnet_lite0";
    return name;
  }
  Device device() const override { return graph_.device(); }
  const std::vector<BackboneLevel>& levels() const override { return levels_; }
  std::unique_ptr<BackboneWorkspace> make_workspace() const override { return std::make_unique<Workspace>(); }

  std::vector<FeatureMap> forward(const Tensor& images, const std::vector<std::string>& levels,
                                  BackboneWorkspace& workspace) const override {
    auto* own = dynamic_cast<Workspace*>(&workspace);
    ASSAY_CHECK(own != nullptr, "efficientnet_lite0: the workspace was made by another backbone");
    const bool is_batch = images.rank() == 4;
    ASSAY_CHECK((is_batch || images.rank() == 3) && images.dim(is_batch) >= kMinImageSide &&
                    images.dim(is_batch + 1) >= kMinImageSide,
                "efficientnet_lite0: image of shape ", to_string(images.shape()), ", expected (H, W, 3) with H and W ",
                "at least ", kMinImageSide);
    const int64_t batch = is_batch ? images.dim(0) : 1;
    // The graph takes taps in rising order, the caller's order may be another.
    std::vector<std::pair<int, size_t>> wanted;
    for (size_t i = 0; i < levels.size(); ++i) wanted.push_back({level_nodes_[level_index(levels[i])], i});
    std::sort(wanted.begin(), wanted.end());
    std::vector<FeatureMap> features(levels.size());
    std::vector<int> taps;
    std::vector<Tensor> maps;
    for (const auto& [node, i] : wanted) {
      ASSAY_CHECK(taps.empty() || taps.back() != node, "efficientnet_lite0: level ", levels[i], " asked for twice");
      const Shape shape = graph_.output_shape(node, images.dim(is_batch), images.dim(is_batch + 1));
      const Tensor map = Tensor::empty<float>({batch, shape[0], shape[1], shape[2]}, "features", device());
      taps.push_back(node);
      maps.push_back(is_batch ? map : map.reshape(shape));
      features[i] = {map.reshape({batch * shape[0] * shape[1], shape[2]}), shape[0], shape[1]};
    }
    graph_.forward(images, taps, maps, own->conv);
    return features;
  }

 private:
  std::vector<BackboneLevel> levels_;
  std::vector<int> level_nodes_;
  ConvGraph graph_;
};

}  // namespace

Result<std::unique_ptr<Backbone>> make_efficientnet_lite0(const io::SafetensorsReader& weights, Device device) {
  Result<Network> network = Builder(weights).build();
  if (!network.ok()) return network.status();
  return std::unique_ptr<Backbone>(std::make_unique<EfficientNetLite0>(std::move(network).value(), device));
}

Result<std::unique_ptr<Backbone>> make_efficientnet_lite0(Device device) {
  const Result<io::SafetensorsReader> weights =
      io::SafetensorsReader::from_memory(embedded_efficientnet_lite0(), "built-in efficientnet_lite0 weights");
  if (!weights.ok()) return weights.status();
  return make_efficientnet_lite0(weights.value(), device);
}

}  // namespace assay::models
