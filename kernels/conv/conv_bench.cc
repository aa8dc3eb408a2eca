// SPDX-License-Identifier: Apache-2.0
// EfficientNet-Lite0's layers on images of 256 x 256 at batch 16.
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "kernels/conv/conv2d.h"
#include "kernels/conv/conv_ref.h"
#include "kernels/conv/depthwise_conv.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using ref::ConvCase;
using ref::same_padding;

template <class Args>
struct Layer {
  Layer(const ConvCase& shape, int64_t weights_per_output)
      : t(shape),
        x(t.batch * t.height * t.width * t.channels),
        weight(t.out_channels * weights_per_output),
        bias(t.out_channels),
        y(t.batch * t.out_height * t.out_width * t.out_channels),
        residual(t.residual ? y.size() : 0) {
    std::mt19937 generator(1);
    for (auto* values : {&x, &weight, &bias, &residual}) {
      for (float& v : *values) v = static_cast<float>(generator() >> 8) * 0x1p-24f - 0.5f;
    }
  }
  Args args() {
    return {x.data(),        weight.data(),  bias.data(), t.residual ? residual.data() : nullptr,
            y.data(),        t.batch,        t.height,    t.width,
            t.channels,      t.out_height,   t.out_width, t.out_channels,
            t.kernel_height, t.kernel_width, t.stride,    t.pad_top,
            t.pad_left,      t.activation};
  }
  template <class Element>
  bool holds(const Element& element) {
    const int64_t size = static_cast<int64_t>(y.size());
    for (const int64_t at : {int64_t{0}, size / 3, size / 2, size - 1}) {
      const int64_t cell = at / t.out_channels, row = cell / t.out_width;
      const ref::ConvElement e =
          element(args(), row / t.out_height, row % t.out_height, cell % t.out_width, at % t.out_channels);
      if (!(std::abs(y[at] - e.value) <= e.tolerance)) return false;
    }
    return true;
  }

  ConvCase t;
  std::vector<float> x, weight, bias, y, residual;
};

template <class Args, class Element>
PreparedCase prepare(const KernelTable<Args>& kernel, const ConvCase& t, int64_t weights_per_output,
                     const Element& element) {
  const auto layer = std::make_shared<Layer<Args>>(t, weights_per_output);
  return {[layer, &kernel] { run(kernel, layer->args()); }, {}, [layer, element] { return layer->holds(element); }};
}

}  // namespace

std::vector<Case> conv2d_cases() {
  const ConvActivation relu6 = ConvActivation::kRelu6, none = ConvActivation::kNone;
  const ConvCase layers[] = {
      same_padding(16, 256, 256, 3, 32, 3, 2, false, relu6),  same_padding(16, 128, 128, 32, 16, 1, 1, false, none),
      same_padding(16, 128, 128, 16, 96, 1, 1, false, relu6), same_padding(16, 64, 64, 144, 24, 1, 1, true, none),
      same_padding(16, 16, 16, 80, 480, 1, 1, false, relu6),  same_padding(16, 16, 16, 480, 112, 1, 1, false, none)};
  std::vector<Case> cases;
  for (const ConvCase& t : layers) {
    cases.push_back({"conv2d", ref::conv_shape(t), ref::conv2d_flops(t), ref::conv2d_bytes(t), [t] {
                       return prepare(conv2d, t, t.kernel_height * t.kernel_width * t.channels, ref::conv2d_element);
                     }});
  }
  return cases;
}

std::vector<Case> depthwise_conv_cases() {
  const ConvActivation relu6 = ConvActivation::kRelu6;
  const ConvCase layers[] = {
      same_padding(16, 128, 128, 32, 32, 3, 1, false, relu6), same_padding(16, 128, 128, 96, 96, 3, 2, false, relu6),
      same_padding(16, 32, 32, 240, 240, 5, 1, false, relu6), same_padding(16, 16, 16, 480, 480, 5, 1, false, relu6)};
  std::vector<Case> cases;
  for (const ConvCase& t : layers) {
    cases.push_back(
        {"depthwise_conv", ref::conv_shape(t), ref::depthwise_conv_flops(t), ref::depthwise_conv_bytes(t),
         [t] { return prepare(depthwise_conv, t, t.kernel_height * t.kernel_width, ref::depthwise_conv_element); }});
  }
  return cases;
}

}  // namespace assay::bench
