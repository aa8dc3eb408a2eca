// SPDX-License-Identifier: Apache-2.0
// The hidden layer of a ViT-B's MLP.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/activation/activation.h"
#include "kernels/activation/activation_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Values {
  explicit Values(int64_t count) : x(samples(count, 1, -4, 4)), grad_y(samples(count, 2)), y(count) {}
  bool hold(Activation f, bool backward) const {
    const std::vector<float> first = x.values(0, 1000), grad = grad_y.values(0, 1000);
    std::vector<double> want, tolerance;
    for (size_t i = 0; i < first.size(); ++i) {
      const double factor = backward ? double{grad[i]} : 1;
      want.push_back(factor * (backward ? ref::activation_derivative(f, first[i]) : ref::activation(f, first[i])));
      tolerance.push_back(std::abs(factor) * (backward ? ref::activation_derivative_tolerance(f, first[i])
                                                       : ref::activation_tolerance(f, first[i])) +
                          0x1p-24 * std::abs(want.back()));
    }
    return begins_with(y, want, tolerance);
  }
  Buffer<float> x, grad_y, y;
};

PreparedCase prepare(int64_t count, Activation f, bool backward) {
  const auto v = std::make_shared<Values>(count);
  const auto body = [=] {
    if (backward) {
      launch(activation_backward, {v->x.data(), v->grad_y.data(), v->y.data(), count, f});
    } else {
      launch(activation_forward, {v->x.data(), v->y.data(), count, f});
    }
  };
  return {body, [=] { return v->hold(f, backward); }};
}

}  // namespace

std::vector<Case> activation_cases(const Scale& s) {
  const int64_t batch = s(16), tokens = s(789), hidden = s(3072), count = batch * tokens * hidden;
  const double elements = static_cast<double>(count);
  const auto make = [=](Activation f, bool backward) { return [=] { return prepare(count, f, backward); }; };
  const std::string shape = shape_text({batch, tokens, hidden});
  return {{"activation_forward/gelu", shape, ref::gelu_flop(count), ref::activation_forward_bytes(count),
           make(Activation::kGelu, false)},
          {"activation_backward/gelu", shape, ref::gelu_flop(count), ref::activation_backward_bytes(count),
           make(Activation::kGelu, true)},
          {"activation_forward/relu", shape, elements, ref::activation_forward_bytes(count),
           make(Activation::kRelu, false)},
          {"activation_backward/relu", shape, elements, ref::activation_backward_bytes(count),
           make(Activation::kRelu, true)}};
}

}  // namespace assay::bench
