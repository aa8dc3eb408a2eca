// SPDX-License-Identifier: Apache-2.0
// EfficientNet-Lite0's layers on images of 256 x 256 at batch 16; gradients: those of a decoder that mirrors a Wide
// ResNet-50-2, and of one for EfficientNet-Lite0.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/conv/conv2d.h"
#include "kernels/conv/conv2d_backward.h"
#include "kernels/conv/conv2d_backward_ref.h"
#include "kernels/conv/conv_ref.h"
#include "kernels/conv/depthwise_conv.h"
#include "tests/support/backend.h"
#include "tests/support/numbers.h"
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

// One layer's backward pass.
struct LayerGradients {
  explicit LayerGradients(const ConvShape& shape)
      : s(shape),
        x(samples(s.num_inputs(), 1, -0.5, 0.5)),
        weight(samples(s.num_weights(), 2, -0.5, 0.5)),
        grad_y(samples(s.num_outputs(), 3, -0.5, 0.5)),
        grad_x(s.num_inputs()),
        grad_weight(s.num_weights()),
        workspace(static_cast<int64_t>(conv2d_backward_weight_workspace_bytes(testing::test_backend(), s) / 4)) {}
  void run_data() {
    launch(conv2d_backward_data, Conv2dBackwardDataArgs{grad_y.data(), weight.data(), grad_x.data(), s});
  }
  void run_weight() {
    launch(conv2d_backward_weight,
           Conv2dBackwardWeightArgs{x.data(), grad_y.data(), grad_weight.data(), workspace.data(), s});
  }
  // The first image's first cell, all of whose products are with the first image; the first weight of the last output.
  bool data_holds() const {
    ConvShape first = s;
    first.batch = 1;
    first.channels = 1;  // of each weight, too
    std::vector<double> weights;
    const std::vector<float> all = weight.values();
    for (size_t i = 0; i < all.size(); i += static_cast<size_t>(s.channels)) weights.push_back(all[i]);
    const auto want =
        ref::conv2d_backward_data(first, testing::to_double(grad_y.values(0, first.num_outputs())), weights);
    return begins_with(grad_x, {want.value[0]}, want.tolerance[0]);
  }
  bool weight_holds() const {
    const std::vector<float> in = x.values(), gradient = grad_y.values();
    ConvShape one = s;  // one channel of the input, one of the output
    one.channels = one.out_channels = 1;
    std::vector<double> inputs, gradients;
    for (size_t i = 0; i < in.size(); i += static_cast<size_t>(s.channels)) inputs.push_back(in[i]);
    for (size_t i = 0; i < gradient.size(); i += static_cast<size_t>(s.out_channels)) gradients.push_back(gradient[i]);
    const auto want = ref::conv2d_backward_weight(one, inputs, gradients);
    return begins_with(grad_weight, {want.value[0]}, want.tolerance[0]);
  }

  ConvShape s;
  Buffer<float> x, weight, grad_y, grad_x, grad_weight, workspace;
};

void add_gradients(const ConvShape& s, std::vector<Case>* cases) {
  const std::string shape = ref::conv_shape_text(s);
  const double flops = ref::conv_shape_flops(s), bytes = ref::conv_shape_bytes(s);
  cases->push_back({"conv2d_backward_data", shape, flops, bytes, [s] {
                      const auto layer = std::make_shared<LayerGradients>(s);
                      return PreparedCase{[layer] { layer->run_data(); }, [layer] { return layer->data_holds(); }};
                    }});
  cases->push_back({"conv2d_backward_weight", shape, flops, bytes, [s] {
                      const auto layer = std::make_shared<LayerGradients>(s);
                      return PreparedCase{[layer] { layer->run_weight(); }, [layer] { return layer->weight_holds(); }};
                    }});
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
  // Sides are even, for the strides.
  const auto side = [&](int64_t n) { return s(n, 4) / 2 * 2; };
  const int64_t c24 = s(24), c40 = s(40), c112 = s(112), c256 = s(256), c512 = s(512), c1024 = s(1024);
  for (const ConvShape& t : {ref::padded_conv(b, side(64), side(64), c24, c24, 3, 1, 1),
                             ref::padded_conv(b, side(64), side(64), c24, c40, 2, 2, 0),
                             ref::padded_conv(b, side(16), side(16), c112, c112, 3, 1, 1),
                             ref::padded_conv(b, side(64), side(64), c256, c512, 3, 2, 1),
                             ref::padded_conv(b, side(32), side(32), c256, c256, 3, 1, 1),
                             ref::padded_conv(b, side(16), side(16), c1024, c512, 1, 1, 0),
                             ref::padded_conv(b, side(16), side(16), c512, c512, 2, 2, 0)}) {
    add_gradients(t, &cases);
  }
  return cases;
}

}  // namespace assay::bench
