// SPDX-License-Identifier: Apache-2.0
#include "engine/conv_graph/conv_graph.h"

#include <utility>

#include "engine/conv_graph/conv_plan.h"

namespace assay::conv_graph {
namespace {

// Data sets come in few image sizes; a plan holds some hundred kilobytes of code and no buffers.
constexpr size_t kMaxPlans = 16;

int64_t output_channels(const std::vector<ConvNode>& nodes, int node) {
  while (node != kConvImage && nodes[node].kind == NodeKind::kMaxPool) node = nodes[node].input;
  return node == kConvImage ? 3 : nodes[node].weight.dim(0);
}

void check_pool(const ConvNode& n) {
  ASSAY_CHECK(n.weight.size() == 0 && n.bias.size() == 0 && n.residual == kConvNoResidual && !n.depthwise &&
                  n.activation == Activation::kNone,
              "conv_graph: ", n.name, " is a maximum pool, which has no weights, bias, residual or activation");
  ASSAY_CHECK(n.pool_side >= 1 && n.padding == Padding::kSymmetric, "conv_graph: ", n.name, " pools windows of side ",
              n.pool_side, ", expected at least 1, and symmetric padding");
}

void check_weights(const ConvNode& n, int64_t channels) {
  ASSAY_CHECK(n.weight.dtype() == DType::kFloat32 && n.bias.dtype() == DType::kFloat32, "conv_graph: ", n.name,
              " has weights or a bias that are not float32");
  ASSAY_CHECK(n.weight.rank() == 4 && n.weight.size() > 0, "conv_graph: ", n.name, " has weights of shape ",
              to_string(n.weight.shape()), ", expected (C_out, C_in, K, K)");
  ASSAY_CHECK(n.weight.dim(1) == (n.depthwise ? 1 : channels), "conv_graph: ", n.name, " has weights of shape ",
              to_string(n.weight.shape()), " for an input of ", channels, " channels");
  ASSAY_CHECK(!n.depthwise || n.weight.dim(0) == channels, "conv_graph: ", n.name, " has depthwise weights of shape ",
              to_string(n.weight.shape()), " for an input of ", channels, " channels");
  ASSAY_CHECK(n.bias.shape() == Shape{n.weight.dim(0)}, "conv_graph: ", n.name, " has a bias of shape ",
              to_string(n.bias.shape()), ", expected (", n.weight.dim(0), ")");
}

void check_node(const std::vector<ConvNode>& nodes, int i) {
  const ConvNode& n = nodes[i];
  ASSAY_CHECK(n.input >= kConvImage && n.input < i, "conv_graph: node ", i, " (", n.name, ") reads node ", n.input,
              ", expected the image (-1) or an earlier node");
  ASSAY_CHECK(n.residual >= kConvNoResidual && n.residual < i, "conv_graph: node ", i, " (", n.name, ") adds node ",
              n.residual, ", expected none (-1) or an earlier node");
  ASSAY_CHECK(n.stride >= 1, "conv_graph: ", n.name, " has stride ", n.stride, ", expected at least 1");
  if (n.kind == NodeKind::kMaxPool) {
    check_pool(n);
  } else {
    check_weights(n, output_channels(nodes, n.input));
  }
  const WindowSides sides = window_sides(n);
  ASSAY_CHECK(n.padding == Padding::kSame || (sides.height % 2 == 1 && sides.width % 2 == 1), "conv_graph: ", n.name,
              " has windows of ", sides.height, " x ", sides.width, ", expected odd sides for symmetric padding");
}

// Sizes differ by a factor that the strides fix, so equal strides from the image mean equal sizes.
void check_residuals(const std::vector<ConvNode>& nodes) {
  std::vector<int64_t> strides;
  for (const ConvNode& n : nodes) strides.push_back(n.stride * (n.input == kConvImage ? 1 : strides[n.input]));
  for (int i = 0; i < static_cast<int>(nodes.size()); ++i) {
    const int r = nodes[i].residual;
    if (r == kConvNoResidual) continue;
    ASSAY_CHECK(strides[r] == strides[i] && output_channels(nodes, r) == output_channels(nodes, i),
                "conv_graph: ", nodes[i].name, " adds ", nodes[r].name, ", which differs in stride or channels");
    ASSAY_CHECK(nodes[i].input != r, "conv_graph: ", nodes[i].name, " adds ", nodes[r].name,
                ", which it also convolves: the sum overwrites it");
    for (int j = i + 1; j < static_cast<int>(nodes.size()); ++j) {
      ASSAY_CHECK(nodes[j].input != r && nodes[j].residual != r, "conv_graph: ", nodes[j].name, " reads ",
                  nodes[r].name, " after ", nodes[i].name, " has overwritten it with a sum");
    }
  }
}

void check_taps(const std::vector<int>& taps, int num_nodes) {
  ASSAY_CHECK(!taps.empty(), "conv_graph: no taps");
  int previous = -1;
  for (const int tap : taps) {
    ASSAY_CHECK(tap > previous && tap < num_nodes, "conv_graph: tap ", tap, " after ", previous,
                ", expected rising node indices below ", num_nodes);
    previous = tap;
  }
}

}  // namespace

ConvWorkspace::ConvWorkspace() = default;
ConvWorkspace::ConvWorkspace(ConvWorkspace&&) noexcept = default;
ConvWorkspace& ConvWorkspace::operator=(ConvWorkspace&& other) noexcept {
  run_ = std::move(other.run_);  // before its plan goes
  plan_ = std::move(other.plan_);
  return *this;
}
ConvWorkspace::~ConvWorkspace() = default;

size_t ConvWorkspace::bytes() const { return run_ ? run_->bytes() : 0; }

ConvGraph::ConvGraph(std::vector<ConvNode> nodes, const ImageScale& scale, Device device)
    : nodes_(std::move(nodes)), device_(device) {
  for (int i = 0; i < num_nodes(); ++i) check_node(nodes_, i);
  check_residuals(nodes_);
  backend_ =
      device_.is_cpu() ? make_conv_backend_onednn(nodes_, scale) : make_conv_backend_cuda(nodes_, scale, device_);
}

ConvGraph::~ConvGraph() = default;

Shape ConvGraph::output_shape(int node, int64_t height, int64_t width) const {
  ASSAY_CHECK(node >= 0 && node < num_nodes(), "conv_graph: node ", node, " of ", num_nodes());
  ASSAY_CHECK(height >= 1 && width >= 1, "conv_graph: image of ", height, " x ", width, ", expected at least 1 x 1");
  const ConvGeometry g = conv_geometries(nodes_, height, width, node + 1).back();
  return {g.out_height, g.out_width, g.out_channels};
}

std::shared_ptr<const ConvPlan> ConvGraph::plan(int64_t height, int64_t width, const std::vector<int>& taps) const {
  // Held while compiling, too: who waits here most likely waits for this very plan.
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = plans_.begin(); it != plans_.end(); ++it) {
    if (it->height == height && it->width == width && it->taps == taps) {
      plans_.splice(plans_.begin(), plans_, it);
      return it->plan;
    }
  }
  plans_.push_front({height, width, taps, backend_->compile(conv_schedule(nodes_, height, width, taps))});
  if (plans_.size() > kMaxPlans) plans_.pop_back();
  return plans_.front().plan;
}

void ConvGraph::forward(const Tensor& images, const std::vector<int>& taps, const std::vector<Tensor>& maps,
                        ConvWorkspace& workspace) const {
  const bool is_batch = images.rank() == 4;
  ASSAY_CHECK(images.dtype() == DType::kUInt8 && (is_batch || images.rank() == 3) && images.shape().back() == 3 &&
                  images.size() > 0,
              "conv_graph: image of shape ", to_string(images.shape()), ", expected (H, W, 3) of uint8");
  check_device("images", images);
  check_taps(taps, num_nodes());
  ASSAY_CHECK(maps.size() == taps.size(), "conv_graph: ", maps.size(), " maps for ", taps.size(), " taps");
  const int64_t batch = is_batch ? images.dim(0) : 1;
  const int64_t height = images.dim(is_batch ? 1 : 0);
  const int64_t width = images.dim(is_batch ? 2 : 1);
  std::vector<Tensor> out;
  for (size_t t = 0; t < taps.size(); ++t) {
    const Shape map = output_shape(taps[t], height, width);
    const Shape batch_of_maps = {batch, map[0], map[1], map[2]};
    const Shape& expected = is_batch ? batch_of_maps : map;
    ASSAY_CHECK(maps[t].shape() == expected && maps[t].dtype() == DType::kFloat32, "conv_graph: map ", t, " of shape ",
                to_string(maps[t].shape()), ", expected ", to_string(expected), " of float32 for ",
                nodes_[taps[t]].name);
    check_device("map", maps[t]);
    out.push_back(maps[t].reshape(batch_of_maps));
  }
  std::shared_ptr<const ConvPlan> chosen = plan(height, width, taps);
  if (workspace.plan_ != chosen) {
    workspace.run_.reset();
    workspace.plan_ = chosen;
    workspace.run_ = chosen->bind();
  }
  workspace.run_->run(images.reshape({batch, height, width, 3}), out);
}

void ConvGraph::check_device(const char* name, const Tensor& tensor) const {
  ASSAY_CHECK(tensor.device() == device_, "conv_graph: ", name, " of shape ", to_string(tensor.shape()), " lies on ",
              to_string(tensor.device()), ", the graph on ", to_string(device_));
}

std::vector<std::string> ConvGraph::describe(int64_t height, int64_t width, const std::vector<int>& taps) const {
  check_taps(taps, num_nodes());
  return plan(height, width, taps)->describe();
}

}  // namespace assay::conv_graph
