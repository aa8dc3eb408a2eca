// SPDX-License-Identifier: Apache-2.0
// What a backend of ConvGraph implements. Included by conv_graph.cc and the backends only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/conv_graph/conv_graph.h"

namespace assay::conv_graph {

// Geometry of one node for one image size.
struct ConvGeometry {
  int64_t in_height, in_width, in_channels;
  int64_t out_height, out_width, out_channels;
  int64_t pad_top, pad_bottom, pad_left, pad_right;
};

// The nodes to run for some taps, in order. Outputs live in few buffers that are reused: a step writes into buffer
// `buffer`, which is the residual's where there is one, and no step writes into a buffer that a later one still reads.
struct ConvStep {
  int node;
  int buffer;
  int tap;  // index into the taps, or kNoTap: the output is copied out right after the step
  ConvGeometry geometry;
};
constexpr int kNoTap = -1;

struct ConvSchedule {
  int64_t height;
  int64_t width;
  std::vector<ConvStep> steps;
  int num_buffers;
};

// K of a node's windows.
struct WindowSides {
  int64_t height, width;
};
WindowSides window_sides(const ConvNode& node);

ConvGeometry conv_geometry(const ConvNode& node, int64_t height, int64_t width, int64_t channels);
// Geometry of the first `count` nodes.
std::vector<ConvGeometry> conv_geometries(const std::vector<ConvNode>& nodes, int64_t height, int64_t width, int count);
ConvSchedule conv_schedule(const std::vector<ConvNode>& nodes, int64_t height, int64_t width,
                           const std::vector<int>& taps);

// A plan bound to buffers of its own: what one thread runs.
class ConvRun {
 public:
  virtual ~ConvRun() = default;
  // images: (B, H, W, 3) uint8. maps[t]: (B, h, w, C) float32 of tap t. On the backend's device, checked.
  virtual void run(const Tensor& images, const std::vector<Tensor>& maps) = 0;
  virtual size_t bytes() const = 0;
};

// A schedule compiled. Immutable.
class ConvPlan {
 public:
  virtual ~ConvPlan() = default;
  // The plan must outlive the run.
  virtual std::unique_ptr<ConvRun> bind() const = 0;
  virtual std::vector<std::string> describe() const = 0;
};

// Owns what the plans of one graph share: the weights in the layouts they want. Not thread-safe; the graph locks.
class ConvBackend {
 public:
  virtual ~ConvBackend() = default;
  virtual std::shared_ptr<const ConvPlan> compile(const ConvSchedule& schedule) = 0;
};

// `nodes` must outlive the backend.
std::unique_ptr<ConvBackend> make_conv_backend_onednn(const std::vector<ConvNode>& nodes, const ImageScale& scale);
std::unique_ptr<ConvBackend> make_conv_backend_cuda(const std::vector<ConvNode>& nodes, const ImageScale& scale,
                                                    Device device);

}  // namespace assay::conv_graph
