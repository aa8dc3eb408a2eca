// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/activation/activation.h"
#include "kernels/activation/activation_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

struct Values {
  explicit Values(int64_t count) : x(random_floats(count, 1, -4, 4)), grad_y(random_floats(count, 2)), y(count) {}
  std::vector<float> x, grad_y, y;
};

PreparedCase prepare_gelu(int64_t count, bool backward) {
  const auto v = std::make_shared<Values>(count);
  const auto body = [=] {
    if (backward) {
      run(activation_backward, {v->x.data(), v->grad_y.data(), v->y.data(), count, Activation::kGelu});
    } else {
      run(activation_forward, {v->x.data(), v->y.data(), count, Activation::kGelu});
    }
  };
  const auto holds = [=] {
    for (int64_t i = 0; i < 1000; ++i) {
      const double want = backward ? v->grad_y[i] * ref::activation_derivative(Activation::kGelu, v->x[i])
                                   : ref::activation(Activation::kGelu, v->x[i]);
      if (!(std::fabs(v->y[i] - want) <= 1e-5)) return false;
    }
    return true;
  };
  return {body, {}, holds};
}

}  // namespace

std::vector<Case> activation_cases() {
  const int64_t count = int64_t{16} * 789 * 3072;  // the hidden layer of a ViT-B's MLP
  return {{"gelu_forward", "16x789x3072", ref::gelu_flop(count), ref::activation_forward_bytes(count),
           [=] { return prepare_gelu(count, false); }},
          {"gelu_backward", "16x789x3072", ref::gelu_flop(count), ref::activation_backward_bytes(count),
           [=] { return prepare_gelu(count, true); }}};
}

}  // namespace assay::bench
