// SPDX-License-Identifier: Apache-2.0
// ConvGraph in double, one output at a time, from the definition in conv_graph.h.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/conv_graph/conv_graph.h"

namespace assay::conv_graph::ref {

struct Map {
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
  std::vector<double> value;      // (h, w, C)
  std::vector<double> magnitude;  // per value, the sum of its terms' magnitudes: what rounding is relative to

  double at(int64_t y, int64_t x, int64_t c) const {
    if (y < 0 || y >= height || x < 0 || x >= width) return 0;
    return value[(y * width + x) * channels + c];
  }
};

// Zeros above (or left of) an axis of n cells, of which `out` windows of side k look.
inline int64_t zeros_before(const ConvNode& node, int64_t n, int64_t out, int64_t k) {
  if (node.padding == Padding::kSymmetric) return (k - 1) / 2;
  return std::max<int64_t>((out - 1) * node.stride + k - n, 0) / 2;
}

inline double activate(Activation activation, double x) {
  if (activation == Activation::kRelu) return std::max(x, 0.0);
  return activation == Activation::kRelu6 ? std::clamp(x, 0.0, 6.0) : x;
}

inline Map max_pool(const ConvNode& node, const Map& in) {
  Map out;
  out.height = (in.height + node.stride - 1) / node.stride;
  out.width = (in.width + node.stride - 1) / node.stride;
  out.channels = in.channels;
  const int64_t reach = (node.pool_side - 1) / 2;
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      for (int64_t c = 0; c < in.channels; ++c) {
        double largest = -INFINITY;
        double magnitude = 0;
        for (int64_t i = 0; i < in.height; ++i) {
          for (int64_t j = 0; j < in.width; ++j) {
            if (std::abs(i - y * node.stride) > reach || std::abs(j - x * node.stride) > reach) continue;
            largest = std::max(largest, in.at(i, j, c));
            magnitude = std::max(magnitude, in.magnitude[(i * in.width + j) * in.channels + c]);
          }
        }
        out.value.push_back(largest);
        out.magnitude.push_back(magnitude);
      }
    }
  }
  return out;
}

inline Map convolve(const ConvNode& node, const Map& in, const Map* residual) {
  const int64_t k = node.weight.dim(2);
  const int64_t per_group = node.weight.dim(1);
  Map out;
  out.height = (in.height + node.stride - 1) / node.stride;
  out.width = (in.width + node.stride - 1) / node.stride;
  out.channels = node.weight.dim(0);
  const int64_t top = zeros_before(node, in.height, out.height, k);
  const int64_t left = zeros_before(node, in.width, out.width, k);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      for (int64_t c = 0; c < out.channels; ++c) {
        double sum = node.bias.data<float>()[c];
        double magnitude = std::abs(sum);
        const float* w = node.weight.data<float>() + c * per_group * k * k;
        for (int64_t i = 0; i < per_group; ++i) {
          for (int64_t dy = 0; dy < k; ++dy) {
            for (int64_t dx = 0; dx < k; ++dx) {
              const double term =
                  static_cast<double>(*w++) *
                  in.at(y * node.stride + dy - top, x * node.stride + dx - left, node.depthwise ? c : i);
              sum += term;
              magnitude += std::abs(term);
            }
          }
        }
        if (residual) {
          sum += residual->at(y, x, c);
          magnitude += std::abs(residual->at(y, x, c));
        }
        out.value.push_back(activate(node.activation, sum));
        out.magnitude.push_back(magnitude);
      }
    }
  }
  return out;
}

// Every node's output.
inline std::vector<Map> forward(const std::vector<ConvNode>& nodes, const ImageScale& scale, const Tensor& image) {
  Map pixels;
  pixels.height = image.dim(0);
  pixels.width = image.dim(1);
  pixels.channels = 3;
  for (int64_t i = 0; i < image.size(); ++i) {
    pixels.value.push_back((image.data<uint8_t>()[i] - static_cast<double>(scale.mean[i % 3])) /
                           scale.deviation[i % 3]);
    pixels.magnitude.push_back(std::abs(pixels.value.back()));
  }
  std::vector<Map> maps;
  for (const ConvNode& n : nodes) {
    const Map& in = n.input == kConvImage ? pixels : maps[n.input];
    if (n.kind == NodeKind::kMaxPool) {
      maps.push_back(max_pool(n, in));
      continue;
    }
    maps.push_back(convolve(n, in, n.residual == kConvNoResidual ? nullptr : &maps[n.residual]));
  }
  return maps;
}

}  // namespace assay::conv_graph::ref
