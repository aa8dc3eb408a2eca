// SPDX-License-Identifier: Apache-2.0
// EfficientNet-Lite0's layers on images of 256 x 256 at batch 16.
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/conv/conv2d.h"
#include "kernels/conv/conv_ref.h"
#include "kernels/conv/depthwise_conv.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using ref::ConvCase;
using ref::same_padding;

template <class Args>
struct Layer {
  Layer(const ConvCase& shape, int64_t weights_per_output)
      : t(shape),
        x(samples(t.batch * t.height * t.width * t.channels, 1, -0.5, 0.5)),
        weight(samples(t.out_channels * weights_per_output, 2, -0.5, 0.5)),
        bias(samples(t.out_channels, 3, -0.5, 0.5)),
        y(t.batch * t.out_height * t.out_width * t.out_channels),
        residual(samples(t.residual ? y.size() : 0, 4, -0.5, 0.5)) {}
  Args args(const float* x_, const float* weight_, const float* bias_, const float* residual_) {
    return {x_,
            weight_,
            bias_,
            t.residual ? residual_ : nullptr,
            y.data(),
            t.batch,
            t.height,
            t.width,
            t.channels,
            t.out_height,
            t.out_width,
            t.out_channels,
            t.kernel_height,
            t.kernel_width,
            t.stride,
            t.pad_top,
            t.pad_left,
            t.activation};
  }
  Args args() { return args(x.data(), weight.data(), bias.data(), residual.data()); }
  template <class Element>
  bool holds(const Element& element) {
    const std::vector<float> host_x = x.values(), host_weight = weight.values(), host_bias = bias.values(),
                             host_residual = residual.values(), host_y = y.values();
    const Args host = args(host_x.data(), host_weight.data(), host_bias.data(), host_residual.data());
    for (const int64_t at : {int64_t{0}, y.size() / 3, y.size() / 2, y.size() - 1}) {
      const int64_t cell = at / t.out_channels, row = cell / t.out_width;
      const ref::ConvElement e =
          element(host, row / t.out_height, row % t.out_height, cell % t.out_width, at % t.out_channels);
      if (!(std::abs(host_y[at] - e.value) <= e.tolerance)) return false;
    }
    return true;
  }

  ConvCase t;
  Buffer<float> x, weight, bias, y, residual;
};

template <class Args, class Element>
PreparedCase prepare(const KernelTable<Args>& kernel, const ConvCase& t, int64_t weights_per_output,
                     const Element& element) {
  const auto layer = std::make_shared<Layer<Args>>(t, weights_per_output);
  return {[layer, &kernel] { launch(kernel, layer->args()); }, [layer, element] { return layer->holds(element); }};
}

void add_conv2d(const KernelTable<Conv2dArgs>& kernel, const ConvCase& t, bool on_cpu, std::vector<Case>* cases) {
  Case c = {kernel.name, ref::conv_shape(t), ref::conv2d_flops(t), ref::conv2d_bytes(t), [t, &kernel] {
              return prepare(kernel, t, t.kernel_height * t.kernel_width * t.channels, ref::conv2d_element);
            }};
  c.on_cpu = on_cpu;
  cases->push_back(c);
}

}  // namespace

std::vector<Case> conv_cases(const Scale& s) {
  const ConvActivation relu6 = ConvActivation::kRelu6, none = ConvActivation::kNone;
  const int64_t b = s(16);
  const ConvCase layers[] = {same_padding(b, s(256), s(256), 3, s(32), 3, 2, false, relu6),
                             same_padding(b, s(128), s(128), s(32), s(16), 1, 1, false, none),
                             same_padding(b, s(128), s(128), s(16), s(96), 1, 1, false, relu6),
                             same_padding(b, s(64), s(64), s(144), s(24), 1, 1, true, none),
                             same_padding(b, s(16), s(16), s(80), s(480), 1, 1, false, relu6),
                             same_padding(b, s(16), s(16), s(480), s(112), 1, 1, false, none)};
  std::vector<Case> cases;
  for (const ConvCase& t : layers) add_conv2d(conv2d, t, /*on_cpu=*/true, &cases);
  for (const ConvCase& t : layers) add_conv2d(conv2d_implicit_gemm, t, /*on_cpu=*/false, &cases);
  const int64_t c32 = s(32), c96 = s(96), c240 = s(240), c480 = s(480);
  for (const ConvCase& t : {same_padding(b, s(128), s(128), c32, c32, 3, 1, false, relu6),
                            same_padding(b, s(128), s(128), c96, c96, 3, 2, false, relu6),
                            same_padding(b, s(32), s(32), c240, c240, 5, 1, false, relu6),
                            same_padding(b, s(16), s(16), c480, c480, 5, 1, false, relu6)}) {
    cases.push_back(
        {"depthwise_conv", ref::conv_shape(t), ref::depthwise_conv_flops(t), ref::depthwise_conv_bytes(t),
         [t] { return prepare(depthwise_conv, t, t.kernel_height * t.kernel_width, ref::depthwise_conv_element); }});
  }
  return cases;
}

}  // namespace assay::bench
