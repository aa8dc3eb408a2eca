// SPDX-License-Identifier: Apache-2.0
// One matrix of a ViT-B's MLP, with its state. Run after run is a step further.
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/optim/step.h"
#include "kernels/optim/step_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Matrix {
  explicit Matrix(int64_t n)
      : count(n),
        value(samples(n, 1, -2, 2)),
        grad(samples(n, 2, -2, 2)),
        m(zeros<float>(n)),
        v(zeros<float>(n)),
        w(zeros<float>(n)),
        host_tensors{{value.data(), grad.data(), m.data(), v.data(), w.data(), n, 0, 0}},
        host_chunks(make_chunks(host_tensors.data(), 1)),
        tensors(host_tensors),
        chunks(host_chunks),
        workspace(chunks.size()),
        norm(2) {}
  ParameterList list() const { return {tensors.data(), chunks.data(), 1, chunks.size()}; }
  // After one step so far. The reference moves all elements, since the stable step's scale is of all.
  bool holds(const std::function<void(ref::OptimState*, const std::vector<float>&)>& step) const {
    ref::OptimState state(sample_values(count, 1, -2, 2));
    step(&state, grad.values());
    return begins_with(value, state.p, state.tolerance);
  }
  int64_t count;
  Buffer<float> value, grad, m, v, w;
  std::vector<OptimTensor> host_tensors;
  std::vector<OptimChunk> host_chunks;
  Buffer<OptimTensor> tensors;
  Buffer<OptimChunk> chunks;
  Buffer<double> workspace;
  Buffer<float> norm;
};

PreparedCase prepare_sgd(int64_t count) {
  const auto x = std::make_shared<Matrix>(count);
  return {[=] {
            launch(sgd_step, {x->list(), nullptr, 1e-3, 0.9, 1e-4});
          },
          [=] {
            return x->holds([](ref::OptimState* state, const std::vector<float>& grad) {
              ref::sgd(state, grad, 1, 1e-3, 0.9, 1e-4, 1);
            });
          }};
}

PreparedCase prepare_adam(int64_t count) {
  const auto x = std::make_shared<Matrix>(count);
  return {[=] {
            launch(adam_step, {x->list(), nullptr, 1, 2e-3, 0.9, 0.999, 1e-8, 1e-4});
          },
          [=] {
            return x->holds([](ref::OptimState* state, const std::vector<float>& grad) {
              ref::adam(state, grad, 1, {2e-3, 0.9, 0.999, 1e-8, 1e-4, true, false}, 1);
            });
          }};
}

PreparedCase prepare_stable_adamw(int64_t count) {
  const auto x = std::make_shared<Matrix>(count);
  return {[=] {
            launch(stable_adamw_step, {x->list(), nullptr, x->workspace.data(), 1, 2e-3, 0.9, 0.999, 1e-10, 1e-4});
          },
          [=] {
            return x->holds([](ref::OptimState* state, const std::vector<float>& grad) {
              ref::stable_adamw(state, grad, 1, {2e-3, 0.9, 0.999, 1e-10, 1e-4, true, true}, 1, 1);
            });
          }};
}

PreparedCase prepare_norm(int64_t count) {
  const auto x = std::make_shared<Matrix>(count);
  return {[=] {
            launch(gradient_norm, {x->list(), x->workspace.data(), 0.1, x->norm.data(), x->norm.data() + 1});
          },
          [=] {
            double squares = 0;
            for (const float g : x->grad.values()) squares += static_cast<double>(g) * g;
            return begins_with(x->norm, {std::sqrt(squares)}, 1e-6 * std::sqrt(squares));
          }};
}

}  // namespace

std::vector<Case> optim_cases(const Scale& s) {
  const int64_t rows = s(768), cols = s(3072), count = rows * cols;
  const std::string shape = shape_text({rows, cols});
  const double elements = static_cast<double>(count);
  return {{"sgd_step", shape, 6 * elements, ref::sgd_bytes(count), [=] { return prepare_sgd(count); }},
          {"adam_step", shape, 15 * elements, ref::adam_bytes(count, false), [=] { return prepare_adam(count); }},
          {"stable_adamw_step", shape, ref::stable_adamw_flop(count), ref::stable_adamw_bytes(count),
           [=] { return prepare_stable_adamw(count); }},
          {"gradient_norm", shape, 2 * elements, 4 * elements, [=] { return prepare_norm(count); }}};
}

}  // namespace assay::bench
