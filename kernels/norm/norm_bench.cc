// SPDX-License-Identifier: Apache-2.0
// LayerNorm: the tokens of a batch through a ViT-B, and the cells of EfficientNet-Lite0. Batch norm: cells of 16 images
// in decoders that mirror a Wide ResNet-50-2, and EfficientNet-Lite0.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/norm/batch_norm.h"
#include "kernels/norm/batch_norm_ref.h"
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

struct BatchNorm {
  BatchNorm(int64_t r, int64_t c)
      : rows(r),
        cols(c),
        x(samples(r * c, 1, -2, 2)),
        gamma(samples(c, 2, -2, 2)),
        beta(samples(c, 3, -2, 2)),
        grad_y(samples(r * c, 4, -2, 2)),
        y(r * c),
        mean(c),
        variance(c),
        grad_x(r * c),
        grad_gamma(c),
        grad_beta(c),
        workspace(static_cast<int64_t>(batch_norm_workspace_bytes(r, c) / sizeof(float))) {}
  void statistics() {
    launch(batch_norm_statistics, BatchNormStatisticsArgs{x.data(), mean.data(), variance.data(), nullptr, nullptr,
                                                          workspace.data(), rows, cols});
  }
  void apply() {
    launch(batch_norm_apply, BatchNormApplyArgs{x.data(), mean.data(), variance.data(), gamma.data(), beta.data(),
                                                y.data(), rows, cols, 1e-5f});
  }
  void backward() {
    launch(batch_norm_backward,
           BatchNormBackwardArgs{x.data(), mean.data(), variance.data(), gamma.data(), grad_y.data(), grad_x.data(),
                                 grad_gamma.data(), grad_beta.data(), workspace.data(), rows, cols, 1e-5f});
  }
  // Of the first column.
  std::vector<double> column(const Buffer<float>& matrix) const {
    const std::vector<float> all = matrix.values();
    std::vector<double> first;
    for (size_t i = 0; i < all.size(); i += static_cast<size_t>(cols)) first.push_back(all[i]);
    return first;
  }
  bool statistics_hold() const {
    const auto want = ref::batch_norm_statistics(column(x), {rows, 1});
    return begins_with(mean, want.mean, want.mean_tolerance) &&
           begins_with(variance, want.variance, want.variance_tolerance);
  }
  bool values_hold() const {
    const auto want =
        ref::batch_norm_apply(to_double(x.values(0, cols)), to_double(mean.values()), to_double(variance.values()),
                              to_double(gamma.values()), to_double(beta.values()), {1, cols}, 1e-5f);
    return begins_with(y, want.y, want.tolerance);
  }
  bool gradients_hold() const {
    const auto want =
        ref::batch_norm_backward(column(x), to_double(mean.values(0, 1)), to_double(variance.values(0, 1)),
                                 to_double(gamma.values(0, 1)), column(grad_y), {rows, 1}, 1e-5f);
    return begins_with(grad_x, {want.x[0]}, want.x_tolerance[0]) &&
           begins_with(grad_gamma, want.gamma, want.gamma_tolerance);
  }

  int64_t rows, cols;
  Buffer<float> x, gamma, beta, grad_y, y, mean, variance, grad_x, grad_gamma, grad_beta, workspace;
};

// Runs `work` after what it needs.
PreparedCase prepare_batch_norm(int64_t rows, int64_t cols, void (BatchNorm::*work)(),
                                bool (BatchNorm::*holds)() const) {
  const auto norm = std::make_shared<BatchNorm>(rows, cols);
  norm->statistics();
  return {[=] { (norm.get()->*work)(); }, [=] { return (norm.get()->*holds)(); }};
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
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{s(16) * s(64) * s(64), s(256)},
                                   {s(16) * s(16) * s(16), s(1024)},
                                   {s(16) * s(64) * s(64), s(24)}}) {
    const std::string shape = shape_text({rows, cols});
    const auto make = [r = rows, c = cols](void (BatchNorm::*work)(), bool (BatchNorm::*holds)() const) {
      return [=] { return prepare_batch_norm(r, c, work, holds); };
    };
    cases.push_back({"batch_norm_statistics", shape, ref::batch_norm_statistics_flop(rows, cols),
                     ref::batch_norm_statistics_bytes(rows, cols),
                     make(&BatchNorm::statistics, &BatchNorm::statistics_hold)});
    cases.push_back({"batch_norm_apply", shape, ref::batch_norm_apply_flop(rows, cols),
                     ref::batch_norm_apply_bytes(rows, cols), make(&BatchNorm::apply, &BatchNorm::values_hold)});
    cases.push_back({"batch_norm_backward", shape, ref::batch_norm_backward_flop(rows, cols),
                     ref::batch_norm_backward_bytes(rows, cols),
                     make(&BatchNorm::backward, &BatchNorm::gradients_hold)});
  }
  return cases;
}

}  // namespace assay::bench
