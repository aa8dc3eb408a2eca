// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/norm/layer_norm.h"
#include "kernels/norm/layer_norm_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

struct Norm {
  Norm(int64_t r, int64_t c)
      : rows(r),
        cols(c),
        x(random_floats(r * c, 1)),
        gamma(random_floats(c, 2)),
        beta(random_floats(c, 3)),
        grad_y(random_floats(r * c, 4)),
        y(r * c),
        mean(r),
        rstd(r),
        grad_x(r * c),
        grad_gamma(c),
        grad_beta(c),
        workspace(layer_norm_backward_workspace_bytes(r, c) / sizeof(float)) {}
  void forward() {
    run(layer_norm_forward,
        {x.data(), gamma.data(), beta.data(), y.data(), mean.data(), rstd.data(), rows, cols, 1e-5f});
  }
  void backward() {
    run(layer_norm_backward, {x.data(), gamma.data(), mean.data(), rstd.data(), grad_y.data(), grad_x.data(),
                              grad_gamma.data(), grad_beta.data(), workspace.data(), rows, cols});
  }
  // The first row of values and of gradients.
  bool holds() {
    const auto first = [&](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.begin() + cols); };
    const auto f =
        ref::layer_norm_forward(first(x), testing::to_double(gamma), testing::to_double(beta), {1, cols}, 1e-5);
    const auto b =
        ref::layer_norm_backward(first(x), testing::to_double(gamma), {mean[0]}, {rstd[0]}, first(grad_y), {1, cols});
    return testing::count_wrong({y.begin(), y.begin() + cols}, f.y, f.y_tolerance) == 0 &&
           (grad_x[0] == 0 || testing::count_wrong({grad_x.begin(), grad_x.begin() + cols}, b.x, b.x_tolerance) == 0);
  }

  int64_t rows, cols;
  std::vector<float> x, gamma, beta, grad_y, y, mean, rstd, grad_x, grad_gamma, grad_beta, workspace;
};

}  // namespace

std::vector<Case> layer_norm_cases() {
  std::vector<Case> cases;
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{16 * 789, 768}, {16 * 256, 112}}) {
    const std::string shape = std::to_string(rows) + "x" + std::to_string(cols);
    const auto prepare = [r = rows, c = cols](bool backward) {
      const auto norm = std::make_shared<Norm>(r, c);
      norm->forward();
      return PreparedCase{[=] { backward ? norm->backward() : norm->forward(); }, {}, [=] { return norm->holds(); }};
    };
    cases.push_back({"layer_norm_forward", shape, ref::layer_norm_forward_flop(rows, cols),
                     ref::layer_norm_forward_bytes(rows, cols), [=] { return prepare(false); }});
    cases.push_back({"layer_norm_backward", shape, ref::layer_norm_backward_flop(rows, cols),
                     ref::layer_norm_backward_bytes(rows, cols), [=] { return prepare(true); }});
  }
  return cases;
}

}  // namespace assay::bench
