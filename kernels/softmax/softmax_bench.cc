// SPDX-License-Identifier: Apache-2.0
// The scores of one image of a ViT-B.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/softmax/softmax.h"
#include "kernels/softmax/softmax_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::to_double;

PreparedCase prepare(int64_t rows, int64_t cols, bool backward) {
  struct Values {
    Buffer<float> x, y, grad_y, grad_x;
  };
  const int64_t count = rows * cols;
  const auto v = std::make_shared<Values>(
      Values{samples(count, 1, -2, 2), Buffer<float>(count), samples(count, 2, -2, 2), Buffer<float>(count)});
  const auto forward = [=] { launch(softmax_forward, {v->x.data(), v->y.data(), rows, cols}); };
  forward();
  const auto body = [=] {
    backward ? launch(softmax_backward, {v->y.data(), v->grad_y.data(), v->grad_x.data(), rows, cols}) : forward();
  };
  const auto first = [=](const Buffer<float>& all) { return to_double(all.values(0, cols)); };
  const auto holds = [=] {
    const auto want = backward ? ref::softmax_backward(first(v->y), first(v->grad_y), {1, cols})
                               : ref::softmax_forward(first(v->x), {1, cols});
    return begins_with(backward ? v->grad_x : v->y, want.value, want.tolerance);
  };
  return {body, holds};
}

}  // namespace

std::vector<Case> softmax_cases(const Scale& s) {
  const int64_t rows = s(12) * s(789), cols = s(789);
  const std::string shape = shape_text({rows, cols});
  return {{"softmax_forward", shape, ref::softmax_forward_flop(rows, cols), ref::softmax_forward_bytes(rows, cols),
           [=] { return prepare(rows, cols, false); }},
          {"softmax_backward", shape, ref::softmax_backward_flop(rows, cols), ref::softmax_backward_bytes(rows, cols),
           [=] { return prepare(rows, cols, true); }}};
}

}  // namespace assay::bench
