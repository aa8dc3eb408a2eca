// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/optim/step.h"
#include "kernels/optim/step_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

// One matrix of a ViT-B's MLP, with its state.
struct Matrix {
  explicit Matrix(int64_t count)
      : value(random_floats(count, 1)), grad(random_floats(count, 2)), m(count), v(count), w(count), tensors(1) {
    tensors[0] = {value.data(), grad.data(), m.data(), v.data(), w.data(), count, 0, 0};
    chunks = make_chunks(tensors.data(), 1);
    workspace.resize(chunks.size());
  }
  ParameterList list() const { return {tensors.data(), chunks.data(), 1, static_cast<int64_t>(chunks.size())}; }
  std::vector<float> value, grad, m, v, w;
  std::vector<OptimTensor> tensors;
  std::vector<OptimChunk> chunks;
  std::vector<double> workspace;
};

PreparedCase prepare_step(int64_t count) {
  const auto matrix = std::make_shared<Matrix>(count);
  const auto body = [=] {
    run(stable_adamw_step, {matrix->list(), nullptr, matrix->workspace.data(), 1, 2e-3, 0.9, 0.999, 1e-10, 1e-4});
  };
  // After the one step so far.
  const auto holds = [=] {
    const std::vector<float> start = random_floats(count, 1);
    ref::OptimState state(start);
    ref::stable_adamw(&state, matrix->grad, 1, {2e-3, 0.9, 0.999, 1e-10, 1e-4, true, true}, 1, 1);
    return testing::count_wrong(matrix->value, state.p, state.tolerance) == 0;
  };
  return {body, {}, holds};
}

PreparedCase prepare_norm(int64_t count) {
  const auto matrix = std::make_shared<Matrix>(count);
  const auto norm = std::make_shared<std::vector<float>>(2);
  const auto holds = [=] {
    double squares = 0;
    for (const float g : matrix->grad) squares += static_cast<double>(g) * g;
    return std::fabs((*norm)[0] - std::sqrt(squares)) <= 1e-6 * std::sqrt(squares);
  };
  return {[=] {
            run(gradient_norm, {matrix->list(), matrix->workspace.data(), 0.1, norm->data(), norm->data() + 1});
          },
          {},
          holds};
}

}  // namespace

std::vector<Case> optim_cases() {
  const int64_t count = 768 * 3072;
  return {{"stable_adamw_step", "768x3072", ref::stable_adamw_flop(count), ref::stable_adamw_bytes(count),
           [=] { return prepare_step(count); }},
          {"gradient_norm", "768x3072", 2.0 * count, 4.0 * count, [=] { return prepare_norm(count); }}};
}

}  // namespace assay::bench
