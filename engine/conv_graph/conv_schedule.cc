// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/conv_graph/conv_plan.h"

namespace assay::conv_graph {
namespace {

// Along one axis.
struct Extent {
  int64_t out, before, after;
};

Extent extent_of(Padding padding, int64_t in, int64_t kernel, int64_t stride) {
  const int64_t out = (in + stride - 1) / stride;  // for symmetric padding and odd K also (in - 1) / stride + 1
  if (padding == Padding::kSymmetric) return {out, (kernel - 1) / 2, (kernel - 1) / 2};
  const int64_t total = std::max<int64_t>((out - 1) * stride + kernel - in, 0);
  return {out, total / 2, total - total / 2};
}

// The nodes that the taps depend on.
std::vector<bool> needed_nodes(const std::vector<ConvNode>& nodes, const std::vector<int>& taps) {
  std::vector<bool> needed(taps.back() + 1, false);
  for (const int tap : taps) needed[tap] = true;
  for (int i = taps.back(); i >= 0; --i) {
    if (!needed[i]) continue;
    if (nodes[i].input != kConvImage) needed[nodes[i].input] = true;
    if (nodes[i].residual != kConvNoResidual) needed[nodes[i].residual] = true;
  }
  return needed;
}

int64_t output_bytes(const ConvGeometry& g) {
  return g.out_height * g.out_width * g.out_channels * static_cast<int64_t>(sizeof(float));
}

}  // namespace

WindowSides window_sides(const ConvNode& node) {
  if (node.kind == NodeKind::kMaxPool) return {node.pool_side, node.pool_side};
  return {node.weight.dim(2), node.weight.dim(3)};
}

ConvGeometry conv_geometry(const ConvNode& node, int64_t height, int64_t width, int64_t channels) {
  const WindowSides sides = window_sides(node);
  const Extent rows = extent_of(node.padding, height, sides.height, node.stride);
  const Extent columns = extent_of(node.padding, width, sides.width, node.stride);
  const int64_t out_channels = node.kind == NodeKind::kMaxPool ? channels : node.weight.dim(0);
  return {height,       width,       channels,   rows.out,       columns.out,
          out_channels, rows.before, rows.after, columns.before, columns.after};
}

std::vector<ConvGeometry> conv_geometries(const std::vector<ConvNode>& nodes, int64_t height, int64_t width,
                                          int count) {
  std::vector<ConvGeometry> geometries;
  for (int i = 0; i < count; ++i) {
    if (nodes[i].input == kConvImage) {
      geometries.push_back(conv_geometry(nodes[i], height, width, 3));
    } else {
      const ConvGeometry& in = geometries[nodes[i].input];
      geometries.push_back(conv_geometry(nodes[i], in.out_height, in.out_width, in.out_channels));
    }
  }
  return geometries;
}

ConvSchedule conv_schedule(const std::vector<ConvNode>& nodes, int64_t height, int64_t width,
                           const std::vector<int>& taps) {
  const std::vector<bool> needed = needed_nodes(nodes, taps);
  const int count = static_cast<int>(needed.size());
  const std::vector<ConvGeometry> geometries = conv_geometries(nodes, height, width, count);
  std::vector<int> last_read(count, -1);
  for (int i = 0; i < count; ++i) {
    if (!needed[i]) continue;
    if (nodes[i].input != kConvImage) last_read[nodes[i].input] = i;
    if (nodes[i].residual != kConvNoResidual) last_read[nodes[i].residual] = i;
  }
  constexpr int64_t kMaxBytes = int64_t{1} << 31;  // offsets inside the backends' kernels may have 32 bits
  ConvSchedule schedule = {height, width, {}, 0};
  std::vector<int> buffer_of(count, -1);
  std::vector<int> reader_until;      // per buffer, the last node that reads what it holds
  std::vector<int64_t> buffer_bytes;  // per buffer, the largest content so far
  for (int i = 0; i < count; ++i) {
    if (!needed[i]) continue;
    const int64_t bytes = output_bytes(geometries[i]);
    ASSAY_CHECK(bytes < kMaxBytes, "conv_graph: ", nodes[i].name, " of an image of ", height, " x ", width, " takes ",
                bytes, " bytes, at most ", kMaxBytes, " are supported: cut the image into tiles");
    int chosen = -1;
    if (nodes[i].residual != kConvNoResidual) {
      chosen = buffer_of[nodes[i].residual];
    } else {
      // The largest buffer whose content nobody reads any more: it need not grow, or least.
      for (int b = 0; b < static_cast<int>(reader_until.size()); ++b) {
        if (reader_until[b] < i && (chosen < 0 || buffer_bytes[b] > buffer_bytes[chosen])) chosen = b;
      }
    }
    if (chosen < 0) {
      chosen = static_cast<int>(reader_until.size());
      reader_until.push_back(-1);
      buffer_bytes.push_back(0);
    }
    buffer_of[i] = chosen;
    reader_until[chosen] = std::max(last_read[i], i);
    buffer_bytes[chosen] = std::max(buffer_bytes[chosen], bytes);
    const auto tap = std::find(taps.begin(), taps.end(), i);
    schedule.steps.push_back(
        {i, chosen, tap == taps.end() ? kNoTap : static_cast<int>(tap - taps.begin()), geometries[i]});
  }
  schedule.num_buffers = static_cast<int>(reader_until.size());
  return schedule;
}

}  // namespace assay::conv_graph
