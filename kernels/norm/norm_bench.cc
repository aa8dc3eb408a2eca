// SPDX-License-Identifier: Apache-2.0
// The tokens of a batch through a ViT-B, and the cells of EfficientNet-Lite0.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/norm/layer_norm.h"
#include "kernels/norm/layer_norm_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::to_double;

struct Norm {
  Norm(int64_t r, int64_t c)
      : rows(r),
        cols(c),
        x(samples(r * c, 1, -2, 2)),
        gamma(samples(c, 2, -2, 2)),
        beta(samples(c, 3, -2, 2)),
        grad_y(samples(r * c, 4, -2, 2)),
        y(r * c),
        mean(r),
        rstd(r),
        grad_x(r * c),
        grad_gamma(c),
        grad_beta(c),
        workspace(static_cast<int64_t>(layer_norm_backward_workspace_bytes(r, c) / sizeof(float))) {}
  void forward() {
    launch(layer_norm_forward,
           {x.data(), gamma.data(), beta.data(), y.data(), mean.data(), rstd.data(), rows, cols, 1e-5f});
  }
  void backward() {
    launch(layer_norm_backward, {x.data(), gamma.data(), mean.data(), rstd.data(), grad_y.data(), grad_x.data(),
                                 grad_gamma.data(), grad_beta.data(), workspace.data(), rows, cols});
  }
  // The first row of values, or of gradients.
  bool holds(bool is_backward) const {
    const std::vector<double> first = to_double(x.values(0, cols)), scale = to_double(gamma.values());
    if (!is_backward) {
      const auto want = ref::layer_norm_forward(first, scale, to_double(beta.values()), {1, cols}, 1e-5);
      return begins_with(y, want.y, want.y_tolerance);
    }
    const auto want = ref::layer_norm_backward(first, scale, to_double(mean.values(0, 1)), to_double(rstd.values(0, 1)),
                                               to_double(grad_y.values(0, cols)), {1, cols});
    return begins_with(grad_x, want.x, want.x_tolerance);
  }

  int64_t rows, cols;
  Buffer<float> x, gamma, beta, grad_y, y, mean, rstd, grad_x, grad_gamma, grad_beta, workspace;
};

PreparedCase prepare(int64_t rows, int64_t cols, bool backward) {
  const auto norm = std::make_shared<Norm>(rows, cols);
  norm->forward();
  return {[=] { backward ? norm->backward() : norm->forward(); }, [=] { return norm->holds(backward); }};
}

}  // namespace

std::vector<Case> norm_cases(const Scale& s) {
  std::vector<Case> cases;
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{s(16) * s(789), s(768)}, {s(16) * s(256), s(112)}}) {
    const std::string shape = shape_text({rows, cols});
    const auto make = [r = rows, c = cols](bool backward) { return [=] { return prepare(r, c, backward); }; };
    cases.push_back({"layer_norm_forward", shape, ref::layer_norm_forward_flop(rows, cols),
                     ref::layer_norm_forward_bytes(rows, cols), make(false)});
    cases.push_back({"layer_norm_backward", shape, ref::layer_norm_backward_flop(rows, cols),
                     ref::layer_norm_backward_bytes(rows, cols), make(true)});
  }
  return cases;
}

}  // namespace assay::bench
