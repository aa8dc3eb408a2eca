// SPDX-License-Identifier: Apache-2.0
// ConvGraph on a GPU by the kernels of kernels/conv: channels last throughout, so that taps are plain copies; bias,
// residual and activation are part of each convolution. A batch of images is one launch a node.
#include <algorithm>
#include <utility>

#include "engine/conv_graph/conv_plan.h"
#include "engine/ops/op_context.h"
#include "kernels/conv/conv2d.h"
#include "kernels/conv/depthwise_conv.h"
#include "kernels/elementwise/image_normalise.h"
#include "kernels/pool/max_pool.h"

namespace assay::conv_graph {
namespace {

constexpr char kWeightsTag[] = "conv_graph weights";
constexpr char kWorkspaceTag[] = "conv_graph workspace";
// Of one node's output for all images of a pass: offsets inside a vendor's kernels may have 32 bits.
constexpr int64_t kMaxPassBytes = int64_t{1} << 31;

// What a vendor's convolution may use; own kernels use none. The same for every shape, since the choice of an algorithm
// depends on it.
constexpr size_t kScratchBytes = size_t{16} << 20;

// ---- Weights

// (O, I, KH, KW) to (O, KH, KW, I); of a depthwise node (C, 1, KH, KW) to (KH, KW, C).
Tensor channels_last(const ConvNode& node) {
  const Shape& s = node.weight.shape();
  const Tensor packed =
      Tensor::empty<float>(node.depthwise ? Shape{s[2], s[3], s[0]} : Shape{s[0], s[2], s[3], s[1]}, kWeightsTag);
  const float* from = node.weight.data<float>();
  float* to = packed.data<float>();
  for (int64_t o = 0; o < s[0]; ++o) {
    for (int64_t i = 0; i < s[1]; ++i) {
      for (int64_t k = 0; k < s[2] * s[3]; ++k, ++from) {
        to[node.depthwise ? k * s[0] + o : (o * s[2] * s[3] + k) * s[1] + i] = *from;
      }
    }
  }
  return packed;
}

struct NodeWeights {
  Tensor weight;
  Tensor bias;
};

// ---- Plan

kernels::ConvActivation activation_of(const ConvNode& node) {
  switch (node.activation) {
    case Activation::kRelu:
      return kernels::ConvActivation::kRelu;
    case Activation::kRelu6:
      return kernels::ConvActivation::kRelu6;
    case Activation::kNone:
      break;
  }
  return kernels::ConvActivation::kNone;
}

const char* kernel_name(const ConvNode& node) {
  if (node.kind == NodeKind::kMaxPool) return kernels::max_pool.name;
  return node.depthwise ? kernels::depthwise_conv.name : kernels::conv2d.name;
}

struct CudaStep {
  ConvStep step;
  int input_buffer;  // kImageBuffer or a buffer
  NodeWeights weights;
};
constexpr int kImageBuffer = -1;

class CudaPlan : public ConvPlan {
 public:
  CudaPlan(const std::vector<ConvNode>& nodes, const ImageScale& scale, Device device)
      : nodes(nodes), scale(scale), device(device) {}

  std::unique_ptr<ConvRun> bind() const override;
  std::vector<std::string> describe() const override {
    std::vector<std::string> lines;
    for (const CudaStep& s : steps) {
      const ConvNode& node = nodes[s.step.node];
      lines.push_back(node.name + ": " + kernel_name(node));
      if (s.step.tap != kNoTap) lines.push_back(node.name + ": copy");
    }
    return lines;
  }

  const std::vector<ConvNode>& nodes;
  const ImageScale scale;
  const Device device;
  std::vector<CudaStep> steps;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<int64_t> buffer_floats;  // of one image
  int64_t largest_map_bytes = 0;       // of one image
};

// ---- Run

class CudaRun : public ConvRun {
 public:
  explicit CudaRun(const CudaPlan& plan) : plan_(plan), scratch_(kScratchBytes, kWorkspaceTag, plan.device) {}

  void run(const Tensor& images, const std::vector<Tensor>& maps) override {
    const int64_t at_once = std::max<int64_t>(1, (kMaxPassBytes - 1) / std::max<int64_t>(1, plan_.largest_map_bytes));
    for (int64_t begin = 0; begin < images.dim(0); begin += at_once) {
      const int64_t end = std::min(begin + at_once, images.dim(0));
      std::vector<Tensor> part;
      for (const Tensor& map : maps) part.push_back(map.rows(begin, end));
      run_pass(images.rows(begin, end), part);
    }
  }

  size_t bytes() const override {
    size_t total = scratch_.bytes() + image_.bytes();
    for (const Tensor& b : buffers_) total += b.bytes();
    return total;
  }

 private:
  void run_pass(const Tensor& images, const std::vector<Tensor>& maps) {
    const ops::OpContext ctx("conv_graph", {{"images", &images}});
    reserve(images.dim(0));
    normalise(ctx, images);
    for (const CudaStep& s : plan_.steps) {
      const bool is_last = &s == &plan_.steps.back();
      const ConvGeometry& g = s.step.geometry;
      const Shape shape = {images.dim(0), g.out_height, g.out_width, g.out_channels};
      // Nothing reads the last output but its tap.
      const Tensor out = is_last ? maps[s.step.tap] : part_of(buffers_[s.step.buffer], shape);
      if (plan_.nodes[s.step.node].kind == NodeKind::kMaxPool) {
        pool(ctx, s, images.dim(0), out);
      } else {
        convolve(ctx, s, images.dim(0), out);
      }
      if (s.step.tap != kNoTap && !is_last) copy(out, maps[s.step.tap], ctx.stream());
    }
  }

  // The buffers of one image times the images of a pass; they only grow.
  void reserve(int64_t batch) {
    if (batch <= batch_) return;
    buffers_.clear();
    image_ = Tensor::empty<float>({batch * plan_.height * plan_.width * 3}, kWorkspaceTag, plan_.device);
    for (const int64_t floats : plan_.buffer_floats) {
      buffers_.push_back(Tensor::empty<float>({batch * floats}, kWorkspaceTag, plan_.device));
    }
    batch_ = batch;
  }

  static Tensor part_of(const Tensor& buffer, const Shape& shape) {
    return buffer.rows(0, num_elements(shape)).reshape(shape);
  }

  void normalise(const ops::OpContext& ctx, const Tensor& images) const {
    kernels::ImageNormaliseArgs args = {};
    args.x = ctx.in<uint8_t>(images);
    args.y = ctx.out<float>(image_);
    args.pixels = images.size() / 3;
    std::copy(plan_.scale.mean.begin(), plan_.scale.mean.end(), args.mean);
    std::copy(plan_.scale.deviation.begin(), plan_.scale.deviation.end(), args.deviation);
    ctx.run(kernels::image_normalise, args);
  }

  void convolve(const ops::OpContext& ctx, const CudaStep& s, int64_t batch, const Tensor& out) const {
    const ConvNode& node = plan_.nodes[s.step.node];
    if (node.depthwise) {
      kernels::DepthwiseConvArgs args = {};
      fill(ctx, s, batch, out, &args);
      ctx.run(kernels::depthwise_conv, args);
    } else {
      kernels::Conv2dArgs args = {};
      fill(ctx, s, batch, out, &args);
      args.workspace = ctx.scratch(scratch_);
      args.workspace_bytes = static_cast<int64_t>(scratch_.bytes());
      ctx.run(kernels::conv2d, args);
    }
  }

  void pool(const ops::OpContext& ctx, const CudaStep& s, int64_t batch, const Tensor& out) const {
    const ConvNode& node = plan_.nodes[s.step.node];
    const ConvGeometry& g = s.step.geometry;
    kernels::MaxPoolArgs args = {};
    args.x = ctx.in<float>(s.input_buffer == kImageBuffer ? image_ : buffers_[s.input_buffer]);
    args.y = ctx.out<float>(out);
    args.height = g.in_height;
    args.width = g.in_width;
    args.channels = g.in_channels;
    args.out_height = g.out_height;
    args.out_width = g.out_width;
    args.window = node.pool_side;
    args.stride = node.stride;
    args.padding = g.pad_top;
    args.batch = batch;
    ctx.run(kernels::max_pool, args);
  }

  template <class Args>
  void fill(const ops::OpContext& ctx, const CudaStep& s, int64_t batch, const Tensor& out, Args* args) const {
    const ConvNode& node = plan_.nodes[s.step.node];
    const ConvGeometry& g = s.step.geometry;
    args->x = ctx.in<float>(s.input_buffer == kImageBuffer ? image_ : buffers_[s.input_buffer]);
    args->weight = ctx.in<float>(s.weights.weight);
    args->bias = ctx.in<float>(s.weights.bias);
    // The residual is the old content of the step's buffer, which is the output but for the last step.
    if (node.residual != kConvNoResidual) args->residual = ctx.in<float>(buffers_[s.step.buffer]);
    args->y = ctx.out<float>(out);
    args->batch = batch;
    args->height = g.in_height;
    args->width = g.in_width;
    args->channels = g.in_channels;
    args->out_height = g.out_height;
    args->out_width = g.out_width;
    args->out_channels = g.out_channels;
    args->kernel_height = node.weight.dim(2);
    args->kernel_width = node.weight.dim(3);
    args->stride = node.stride;
    args->pad_top = g.pad_top;
    args->pad_left = g.pad_left;
    args->activation = activation_of(node);
  }

  const CudaPlan& plan_;
  const Storage scratch_;
  int64_t batch_ = 0;
  Tensor image_;
  std::vector<Tensor> buffers_;
};

std::unique_ptr<ConvRun> CudaPlan::bind() const { return std::make_unique<CudaRun>(*this); }

// ---- Backend

class CudaBackend : public ConvBackend {
 public:
  CudaBackend(const std::vector<ConvNode>& nodes, const ImageScale& scale, Device device)
      : nodes_(nodes), scale_(scale), device_(device), weights_(nodes.size()) {}

  std::shared_ptr<const ConvPlan> compile(const ConvSchedule& schedule) override {
    auto plan = std::make_shared<CudaPlan>(nodes_, scale_, device_);
    plan->height = schedule.height;
    plan->width = schedule.width;
    plan->buffer_floats.assign(schedule.num_buffers, 0);
    std::vector<int> buffer(nodes_.size(), kImageBuffer);
    for (const ConvStep& step : schedule.steps) {
      const ConvNode& node = nodes_[step.node];
      const ConvGeometry& g = step.geometry;
      const int64_t floats = g.out_height * g.out_width * g.out_channels;
      plan->steps.push_back({step, node.input == kConvImage ? kImageBuffer : buffer[node.input], upload(step.node)});
      buffer[step.node] = step.buffer;
      plan->buffer_floats[step.buffer] = std::max(plan->buffer_floats[step.buffer], floats);
      plan->largest_map_bytes = std::max(plan->largest_map_bytes, floats * static_cast<int64_t>(sizeof(float)));
    }
    return plan;
  }

 private:
  // Once per node: plans of all image sizes share it.
  NodeWeights upload(int node) {
    NodeWeights& w = weights_[node];
    if (w.weight.size() == 0 && nodes_[node].kind == NodeKind::kConvolution) {
      w.weight = channels_last(nodes_[node]).to(device_, kWeightsTag);
      w.bias = nodes_[node].bias.to(device_, kWeightsTag);
    }
    return w;
  }

  const std::vector<ConvNode>& nodes_;
  const ImageScale scale_;
  const Device device_;
  std::vector<NodeWeights> weights_;
};

}  // namespace

std::unique_ptr<ConvBackend> make_conv_backend_cuda(const std::vector<ConvNode>& nodes, const ImageScale& scale,
                                                    Device device) {
  return std::make_unique<CudaBackend>(nodes, scale, device);
}

}  // namespace assay::conv_graph
