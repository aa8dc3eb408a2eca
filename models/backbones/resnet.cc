// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/resnet.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "engine/conv_graph/conv_graph.h"
#include "kernels/base/text.h"

namespace assay::models {
namespace {

using conv_graph::Activation;
using conv_graph::ConvGraph;
using conv_graph::ConvNode;
using conv_graph::kConvImage;
using conv_graph::kConvNoResidual;

constexpr double kNormEps = 1e-5;
constexpr int64_t kExpansion = 4;  // of a bottleneck's output over its planes
// ImageNet's mean and deviation, for levels 0 to 255.
const conv_graph::ImageScale kScale = {{0.485f * 255, 0.456f * 255, 0.406f * 255},
                                       {0.229f * 255, 0.224f * 255, 0.225f * 255}};

// ---- The architecture: nodes without weights, and the names of their tensors

struct Layer {
  ConvNode node;
  std::string norm;  // of its batch norm; empty: a pool
  Shape weight;
};

class Builder {
 public:
  explicit Builder(const ResnetShape& shape) : shape_(shape) {
    channels_ = shape.base;
    convolve("conv1", "bn1", kConvImage, 3, shape.base, 7, 2, Activation::kRelu);
    ConvNode pool;
    pool.name = "maxpool";
    pool.input = last();
    pool.stride = 2;
    pool.padding = conv_graph::Padding::kSymmetric;
    pool.kind = conv_graph::NodeKind::kMaxPool;
    pool.pool_side = 3;
    layers.push_back({pool, "", {}});
    for (int64_t stage = 0; stage < 4; ++stage) {
      const int64_t planes = shape.base << stage;
      for (int64_t b = 0; b < shape.blocks[static_cast<size_t>(stage)]; ++b) {
        add_block(text("layer", stage + 1, ".", b), planes, stage > 0 && b == 0 ? 2 : 1);
      }
      levels.push_back({text("layer", stage + 1), int64_t{4} << stage, channels_});
      level_nodes.push_back(last());
    }
  }

  std::vector<Layer> layers;
  std::vector<BackboneLevel> levels;
  std::vector<int> level_nodes;

 private:
  void add_block(const std::string& name, int64_t planes, int64_t stride) {
    const int64_t out = shape_.is_bottleneck ? kExpansion * planes : planes;
    const int64_t inside = shape_.is_bottleneck ? planes * shape_.width_factor : planes;
    const int input = last();
    int shortcut = input;
    if (stride != 1 || channels_ != out) {
      convolve(name + ".downsample.0", name + ".downsample.1", input, channels_, out, 1, stride, Activation::kNone);
      shortcut = last();
    }
    if (shape_.is_bottleneck) {
      convolve(name + ".conv1", name + ".bn1", input, channels_, inside, 1, 1, Activation::kRelu);
      convolve(name + ".conv2", name + ".bn2", last(), inside, inside, 3, stride, Activation::kRelu);
      convolve(name + ".conv3", name + ".bn3", last(), inside, out, 1, 1, Activation::kRelu, shortcut);
    } else {
      convolve(name + ".conv1", name + ".bn1", input, channels_, inside, 3, stride, Activation::kRelu);
      convolve(name + ".conv2", name + ".bn2", last(), inside, out, 3, 1, Activation::kRelu, shortcut);
    }
    channels_ = out;
  }

  void convolve(const std::string& name, const std::string& norm, int input, int64_t in, int64_t out, int64_t kernel,
                int64_t stride, Activation activation, int residual = kConvNoResidual) {
    ConvNode node;
    node.name = name;
    node.input = input;
    node.residual = residual;
    node.stride = stride;
    node.activation = activation;
    node.padding = conv_graph::Padding::kSymmetric;
    layers.push_back({node, norm, {out, in, kernel, kernel}});
  }

  int last() const { return static_cast<int>(layers.size()) - 1; }

  const ResnetShape shape_;
  int64_t channels_;
};

// ---- Weights

bool is_unused(const std::string& name) {
  const std::string counter = ".num_batches_tracked";
  return name == "fc.weight" || name == "fc.bias" ||
         (name.size() > counter.size() && name.compare(name.size() - counter.size(), counter.size(), counter) == 0);
}

constexpr const char* kNormParts[] = {".weight", ".bias", ".running_mean", ".running_var"};

Result<std::map<std::string, Tensor>> check_weights(const std::vector<Layer>& layers, const NamedTensors& weights) {
  std::vector<NamedShape> expected, found;
  for (const Layer& layer : layers) {
    if (layer.norm.empty()) continue;
    expected.push_back({layer.node.name + ".weight", layer.weight});
    for (const char* part : kNormParts) expected.push_back({layer.norm + part, {layer.weight[0]}});
  }
  std::map<std::string, Tensor> by_name;
  for (const auto& [name, tensor] : weights) {
    if (is_unused(name)) continue;
    if (tensor.dtype() != DType::kFloat32) {
      return Status::error(name, ": is ", dtype_name(tensor.dtype()), ", expected float32");
    }
    found.push_back({name, tensor.shape()});
    by_name[name] = tensor;
  }
  ASSAY_RETURN_IF_ERROR(check_names_and_shapes(expected, found));
  return by_name;
}

// y = (conv(x) - mean) / sqrt(var + eps) * weight + bias as one convolution.
Status fold(const std::map<std::string, Tensor>& weights, Layer* layer) {
  const Tensor& w = weights.at(layer->node.name + ".weight");
  const float* norm[4];
  for (size_t i = 0; i < 4; ++i) norm[i] = weights.at(layer->norm + kNormParts[i]).data<float>();
  const int64_t out = layer->weight[0], per_channel = w.size() / out;
  layer->node.weight = Tensor::empty<float>(layer->weight, "parameters");
  layer->node.bias = Tensor::empty<float>({out}, "parameters");
  for (int64_t o = 0; o < out; ++o) {
    const double variance = static_cast<double>(norm[3][o]) + kNormEps;
    if (!(variance > 0)) {
      return Status::error(layer->norm, ".running_var: element ", o, " is ", norm[3][o], ", expected at least 0");
    }
    const double factor = norm[0][o] / std::sqrt(variance);
    for (int64_t i = o * per_channel; i < (o + 1) * per_channel; ++i) {
      layer->node.weight.data<float>()[i] = static_cast<float>(w.data<float>()[i] * factor);
    }
    layer->node.bias.data<float>()[o] = static_cast<float>(norm[1][o] - norm[2][o] * factor);
  }
  return Status();
}

// ---- The backbone

struct Workspace : BackboneWorkspace {
  conv_graph::ConvWorkspace conv;
};

class Resnet : public Backbone {
 public:
  Resnet(std::string name, std::vector<ConvNode> nodes, const Builder& built, Device device)
      : name_(std::move(name)),
        levels_(built.levels),
        level_nodes_(built.level_nodes),
        graph_(std::move(nodes), kScale, device) {}

  const std::string& name() const override { return name_; }
  Device device() const override { return graph_.device(); }
  const std::vector<BackboneLevel>& levels() const override { return levels_; }
  std::unique_ptr<BackboneWorkspace> make_workspace() const override { return std::make_unique<Workspace>(); }

  std::vector<FeatureMap> forward(const Tensor& images, const std::vector<std::string>& levels,
                                  BackboneWorkspace& workspace) const override {
    auto* own = dynamic_cast<Workspace*>(&workspace);
    ASSAY_CHECK(own != nullptr, name_, ": the workspace was made by another backbone");
    const bool is_batch = images.rank() == 4;
    ASSAY_CHECK((is_batch || images.rank() == 3) && images.dim(is_batch) >= kMinImageSide &&
                    images.dim(is_batch + 1) >= kMinImageSide,
                name_, ": image of shape ", to_string(images.shape()), ", expected (H, W, 3) with H and W at least ",
                kMinImageSide);
    const int64_t batch = is_batch ? images.dim(0) : 1;
    std::vector<std::pair<int, size_t>> wanted;  // nodes rise, the caller's order may be another
    for (size_t i = 0; i < levels.size(); ++i) wanted.push_back({level_nodes_[level_index(levels[i])], i});
    std::sort(wanted.begin(), wanted.end());
    std::vector<FeatureMap> features(levels.size());
    std::vector<int> taps;
    std::vector<Tensor> maps;
    for (const auto& [node, i] : wanted) {
      ASSAY_CHECK(taps.empty() || taps.back() != node, name_, ": level ", levels[i], " asked for twice");
      const Shape s = graph_.output_shape(node, images.dim(is_batch), images.dim(is_batch + 1));
      const Tensor map = Tensor::empty<float>({batch, s[0], s[1], s[2]}, "features", device());
      taps.push_back(node);
      maps.push_back(is_batch ? map : map.reshape(s));
      features[i] = {map.reshape({batch * s[0] * s[1], s[2]}), s[0], s[1]};
    }
    graph_.forward(images, taps, maps, own->conv);
    return features;
  }

 private:
  const std::string name_;
  const std::vector<BackboneLevel> levels_;
  const std::vector<int> level_nodes_;
  const ConvGraph graph_;
};

}  // namespace

Result<std::unique_ptr<Backbone>> make_resnet(const std::string& name, const ResnetShape& shape,
                                              const NamedTensors& weights, Device device) {
  Builder built(shape);
  const auto by_name = check_weights(built.layers, weights);
  if (!by_name.ok()) return Status::error(name, ": ", by_name.message());
  std::vector<ConvNode> nodes;
  for (Layer& layer : built.layers) {
    if (!layer.norm.empty()) {
      if (const Status folded = fold(by_name.value(), &layer); !folded.ok()) {
        return Status::error(name, ": ", folded.message());
      }
    }
    nodes.push_back(layer.node);
  }
  return std::unique_ptr<Backbone>(std::make_unique<Resnet>(name, std::move(nodes), built, device));
}

}  // namespace assay::models
