// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/softmax/softmax.h"
#include "kernels/softmax/softmax_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

PreparedCase prepare_softmax(int64_t rows, int64_t cols, bool backward) {
  struct Values {
    std::vector<float> x, y, grad_y, grad_x;
  };
  const auto v = std::make_shared<Values>(Values{random_floats(rows * cols, 1), std::vector<float>(rows * cols),
                                                 random_floats(rows * cols, 2), std::vector<float>(rows * cols)});
  const auto forward = [=] { run(softmax_forward, {v->x.data(), v->y.data(), rows, cols}); };
  forward();
  const auto body = [=] {
    backward ? run(softmax_backward, {v->y.data(), v->grad_y.data(), v->grad_x.data(), rows, cols}) : forward();
  };
  const auto first = [=](const std::vector<float>& all) { return std::vector<float>(all.begin(), all.begin() + cols); };
  const auto holds = [=] {
    const auto want = backward ? ref::softmax_backward(testing::to_double(first(v->y)),
                                                       testing::to_double(first(v->grad_y)), {1, cols})
                               : ref::softmax_forward(testing::to_double(first(v->x)), {1, cols});
    return testing::count_wrong(first(backward ? v->grad_x : v->y), want.value, want.tolerance) == 0;
  };
  return {body, {}, holds};
}

}  // namespace

std::vector<Case> softmax_cases() {
  const int64_t rows = 12 * 789, cols = 789;
  return {{"softmax_forward", "9468x789", ref::softmax_forward_flop(rows, cols), ref::softmax_forward_bytes(rows, cols),
           [=] { return prepare_softmax(rows, cols, false); }},
          {"softmax_backward", "9468x789", ref::softmax_backward_flop(rows, cols),
           ref::softmax_backward_bytes(rows, cols), [=] { return prepare_softmax(rows, cols, true); }}};
}

}  // namespace assay::bench
