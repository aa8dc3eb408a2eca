// SPDX-License-Identifier: Apache-2.0
// A frozen convolutional network: a list of convolutions that is compiled for each image size it meets and then run
// without allocation, layout conversion or lock.
//
// Node i computes y = activation(conv(x, weight) + bias [+ residual]), or the largest value of each window of x,
// channel by channel. x is the image or an earlier node's output. y has ceil(H / stride) rows, K being the window's
// side:
//   SAME, TensorFlow's: of P = max((rows - 1) * stride + K - H, 0) rows of zeros floor(P / 2) lie above the input.
//     (Asymmetric for even sizes and stride 2, and so dependent on the size.)
//   symmetric, PyTorch's padding=K // 2 for odd K: (K - 1) / 2 rows of zeros on every side.
// What lies outside is no candidate for the largest value.
//
// On the CPU an image is run by one thread, the caller's; several threads run several images at once, each with its own
// ConvWorkspace. A result is therefore the same, bit for bit, for any number of threads. On a GPU a batch of images is
// put on the caller's current stream; what an image gives does not depend on the images beside it.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"

namespace assay::conv_graph {

enum class Activation { kNone, kRelu, kRelu6 };
enum class Padding { kSame, kSymmetric };
enum class NodeKind { kConvolution, kMaxPool };

constexpr int kConvImage = -1;       // ConvNode::input: the normalised image
constexpr int kConvNoResidual = -1;  // ConvNode::residual

struct ConvNode {
  std::string name;  // in error messages
  int input = kConvImage;
  // Node whose output is added before the activation. It is overwritten by the sum, so nothing may read it later.
  int residual = kConvNoResidual;
  int64_t stride = 1;
  bool depthwise = false;
  Activation activation = Activation::kNone;
  Tensor weight;  // (C_out, C_in, K, K) float32; depthwise (C, 1, K, K)
  Tensor bias;    // (C_out) float32
  Padding padding = Padding::kSame;
  // A maximum pool has symmetric padding, and neither weights nor bias, activation or residual.
  NodeKind kind = NodeKind::kConvolution;
  int64_t pool_side = 0;  // K of a maximum pool
};

// x = (pixel - mean) / deviation, per channel.
struct ImageScale {
  std::array<float, 3> mean;
  std::array<float, 3> deviation;
};

class ConvBackend;
class ConvPlan;
class ConvRun;

// The buffers of one thread: activations and scratch of the plan it ran last. Any graph may use any workspace, one
// thread at a time. Changing the image size or the taps between calls allocates again.
class ConvWorkspace {
 public:
  ConvWorkspace();
  ConvWorkspace(ConvWorkspace&&) noexcept;
  ConvWorkspace& operator=(ConvWorkspace&&) noexcept;
  ~ConvWorkspace();
  // What it holds now.
  size_t bytes() const;

 private:
  friend class ConvGraph;
  std::shared_ptr<const ConvPlan> plan_;
  std::unique_ptr<ConvRun> run_;
};

// Immutable and safe to share between threads.
class ConvGraph {
 public:
  // Nodes hold their weights on the CPU, whatever the device. Throws assay::Error where they do not fit together:
  // order, channels, residual, dtypes, shapes.
  ConvGraph(std::vector<ConvNode> nodes, const ImageScale& scale, Device device = Device::cpu());
  ~ConvGraph();
  ConvGraph(const ConvGraph&) = delete;
  ConvGraph& operator=(const ConvGraph&) = delete;

  Device device() const { return device_; }
  int num_nodes() const { return static_cast<int>(nodes_.size()); }
  // (h, w, C) of a node's output for an image of the given size. height, width >= 1.
  Shape output_shape(int node, int64_t height, int64_t width) const;

  // Runs the nodes that `taps` need. images: (H, W, 3) uint8, or (B, H, W, 3) several of one size. taps: node indices,
  // rising and without repetition, at least one. maps: one (h, w, C) float32 tensor per tap, as output_shape says, or
  // (B, h, w, C), written by the call. All on the graph's device. A node output above 2^31 bytes an image is an error:
  // cut the image into tiles.
  void forward(const Tensor& images, const std::vector<int>& taps, const std::vector<Tensor>& maps,
               ConvWorkspace& workspace) const;

  // What forward would run, one line per primitive: "node name: kind, implementation".
  std::vector<std::string> describe(int64_t height, int64_t width, const std::vector<int>& taps) const;

 private:
  struct CachedPlan {
    int64_t height;
    int64_t width;
    std::vector<int> taps;
    std::shared_ptr<const ConvPlan> plan;
  };
  void check_device(const char* name, const Tensor& tensor) const;
  std::shared_ptr<const ConvPlan> plan(int64_t height, int64_t width, const std::vector<int>& taps) const;

  const std::vector<ConvNode> nodes_;
  const Device device_;
  mutable std::mutex mutex_;             // guards what follows
  mutable std::list<CachedPlan> plans_;  // most recently used first
  std::unique_ptr<ConvBackend> backend_;
};

}  // namespace assay::conv_graph
