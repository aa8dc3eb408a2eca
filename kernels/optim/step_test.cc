// SPDX-License-Identifier: Apache-2.0
#include "kernels/optim/step.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/optim/step_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/numbers.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using ref::AdamSettings;
using ref::OptimState;
using testing::count_wrong;
using testing::fill;
using testing::GuardedBuffer;
using testing::random_floats;
using testing::same_bits;
using testing::Staging;

constexpr int64_t kGradSets = 5;  // gradients that the steps take in turn
// None, single elements, around the vector widths, and around a chunk.
const std::vector<int64_t> kCounts = {5, 0, 1, 17, kOptimChunk, 64, kOptimChunk + 1};

// Sizes from tiny to large, so that eps and the clip matter somewhere.
const std::vector<float>& gradients(int64_t set, size_t tensor) {
  static const auto* const all = [] {
    auto* made = new std::vector<std::vector<float>>;
    for (int64_t s = 0; s < kGradSets; ++s) {
      for (size_t t = 0; t < kCounts.size(); ++t) {
        const double size = t % 3 == 0 ? 1e-6 : t % 3 == 1 ? 1 : 300;
        made->push_back(random_floats(kCounts[t], static_cast<uint32_t>(100 + s * 10 + t), -size, size * 1.5));
      }
    }
    return made;
  }();
  return (*all)[set * kCounts.size() + tensor];
}

std::vector<float> start_values(size_t tensor) { return random_floats(kCounts[tensor], static_cast<uint32_t>(tensor)); }

// Parameters and state on the backend, with one table of tensors for each set of gradients.
class Parameters {
 public:
  explicit Parameters(bool most = true) : scale_(1) {
    const std::vector<float> no_nan = {0.5f};
    fill(scale_, no_nan);
    grad_scale = staging.out(scale_);
    std::vector<OptimTensor> tensors(kCounts.size());
    for (size_t t = 0; t < kCounts.size(); ++t) {
      const std::vector<float> zeros(kCounts[t], 0.0f);
      tensors[t].count = kCounts[t];
      tensors[t].value = add(start_values(t));
      tensors[t].moment1 = add(zeros);
      tensors[t].moment2 = add(zeros);
      tensors[t].most_moment2 = most ? add(zeros) : nullptr;
      values.push_back(buffers_[buffers_.size() - (most ? 4 : 3)].get());
    }
    chunks_ = make_chunks(tensors.data(), static_cast<int64_t>(tensors.size()));
    const OptimChunk* chunks = staging.in(chunks_);
    for (int64_t set = 0; set < kGradSets; ++set) {
      for (size_t t = 0; t < tensors.size(); ++t) tensors[t].grad = add(gradients(set, t));
      tables_.push_back(tensors);
      lists.push_back({nullptr, chunks, static_cast<int64_t>(tensors.size()), static_cast<int64_t>(chunks_.size())});
    }
    for (int64_t set = 0; set < kGradSets; ++set) lists[set].tensors = staging.in(tables_[set]);
  }

  int64_t num_chunks() const { return static_cast<int64_t>(chunks_.size()); }
  bool guards_intact() const {
    for (const auto& b : buffers_) {
      if (!b->guards_intact()) return false;
    }
    return true;
  }

  Staging staging;
  const float* grad_scale;                    // 0.5
  std::vector<ParameterList> lists;           // by set of gradients
  std::vector<GuardedBuffer<float>*> values;  // by tensor

 private:
  float* add(const std::vector<float>& content) {
    buffers_.push_back(std::make_unique<GuardedBuffer<float>>(content.size()));
    return staging.out(fill(*buffers_.back(), content));
  }

  GuardedBuffer<float> scale_;
  std::vector<std::unique_ptr<GuardedBuffer<float>>> buffers_;
  std::vector<OptimChunk> chunks_;
  std::vector<std::vector<OptimTensor>> tables_;
};

// 100 steps of both, gradients taken in turn; then every element is compared.
void check_steps(bool most, const std::function<void(Parameters&, int64_t step, const ParameterList&)>& kernel,
                 const std::function<void(OptimState*, int64_t step, const std::vector<float>&)>& reference) {
  constexpr int64_t kSteps = 100;
  Parameters parameters(most);
  for (int64_t step = 1; step <= kSteps; ++step) kernel(parameters, step, parameters.lists[step % kGradSets]);
  parameters.staging.finish();
  CHECK(parameters.guards_intact());
  for (size_t t = 0; t < kCounts.size(); ++t) {
    CAPTURE(t);
    OptimState state(start_values(t));
    for (int64_t step = 1; step <= kSteps; ++step) reference(&state, step, gradients(step % kGradSets, t));
    CHECK(count_wrong(parameters.values[t]->values(), state.p, state.tolerance) == 0);
    // The bound must mean something: far below the way that the parameters have gone.
    double way = 0, bound = 0;
    const std::vector<float> start = start_values(t);
    for (size_t i = 0; i < start.size(); ++i) way += std::fabs(state.p[i] - start[i]), bound += state.tolerance[i];
    CHECK(bound <= 1e-2 * way);
  }
}

TEST_CASE("make_chunks covers every element once") {
  std::vector<OptimTensor> tensors(3);
  tensors[0].count = 0, tensors[1].count = kOptimChunk, tensors[2].count = 2 * kOptimChunk + 1;
  const std::vector<OptimChunk> chunks = make_chunks(tensors.data(), 3);
  REQUIRE(chunks.size() == 4);
  CHECK((tensors[0].num_chunks == 0 && tensors[1].num_chunks == 1 && tensors[2].num_chunks == 3));
  CHECK((tensors[2].first_chunk == 1 && chunks[3].tensor == 2 && chunks[3].first == 2 * kOptimChunk));
}

TEST_CASE("100 steps of sgd agree with the double reference") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    const double rate = 0.01, momentum = 0.9, decay = 0.01;
    check_steps(
        true,
        [&](Parameters& p, int64_t, const ParameterList& list) {
          run(sgd_step, {list, p.grad_scale, rate, momentum, decay}, p.staging.stream());
        },
        [&](OptimState* s, int64_t step, const std::vector<float>& grad) {
          ref::sgd(s, grad, 0.5, rate, momentum, decay, step);
        });
  });
}

TEST_CASE("100 steps of adam and adamw, with and without amsgrad, agree with the double reference") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const bool decoupled : {false, true}) {
      const bool amsgrad = decoupled;
      const AdamSettings a = {1e-2, 0.9, 0.999, 1e-8, decoupled ? 0.1 : 1e-3, decoupled, amsgrad};
      const WeightDecay decay = decoupled ? WeightDecay::kDecoupled : WeightDecay::kCoupled;
      check_steps(
          amsgrad,
          [&](Parameters& p, int64_t step, const ParameterList& list) {
            run(adam_step, {list, p.grad_scale, step, a.rate, a.beta1, a.beta2, a.eps, a.decay, decay, a.amsgrad},
                p.staging.stream());
          },
          [&](OptimState* s, int64_t step, const std::vector<float>& grad) { ref::adam(s, grad, 0.5, a, step); });
    }
  });
}

TEST_CASE("100 steps of stable_adamw agree with the double reference") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    // The clip of 0.5 is exceeded by most tensors, that of 100 by none.
    for (const double clip : {0.5, 100.0}) {
      const AdamSettings a = {2e-3, 0.9, 0.999, 1e-10, 1e-2, true, true};
      GuardedBuffer<double> workspace(static_cast<int64_t>(kCounts.size()) + 4);
      double* device_workspace = nullptr;
      check_steps(
          true,
          [&](Parameters& p, int64_t step, const ParameterList& list) {
            REQUIRE(stable_adamw_workspace_bytes(p.num_chunks()) <= workspace.size() * sizeof(double));
            if (step == 1) device_workspace = p.staging.out(workspace);
            run(stable_adamw_step,
                {list, p.grad_scale, device_workspace, step, a.rate, a.beta1, a.beta2, a.eps, a.decay, clip, true},
                p.staging.stream());
          },
          [&](OptimState* s, int64_t step, const std::vector<float>& grad) {
            ref::stable_adamw(s, grad, 0.5, a, clip, step);
          });
      CHECK(workspace.guards_intact());
    }
  });
}

struct Norm {
  float norm, scale;
};
Norm norm_of(Parameters& p, const ParameterList& list, double most) {
  GuardedBuffer<float> norm(1), scale(1);
  GuardedBuffer<double> workspace(gradient_norm_workspace_bytes(p.num_chunks()) / sizeof(double));
  Staging s;
  run(gradient_norm, {list, s.out(workspace), most, s.out(norm), s.out(scale)}, s.stream());
  s.finish();
  CHECK((norm.guards_intact() && scale.guards_intact() && workspace.guards_intact()));
  return {norm[0], scale[0]};
}

TEST_CASE("gradient_norm is the norm of all gradients, and its scale brings them to the limit") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    Parameters p;
    double squares = 0;
    for (size_t t = 0; t < kCounts.size(); ++t) {
      for (const float g : gradients(2, t)) squares += static_cast<double>(g) * g;
    }
    const double norm = std::sqrt(squares);
    const Norm above = norm_of(p, p.lists[2], norm / 7), below = norm_of(p, p.lists[2], norm * 2);
    // Summed in double, rounded once.
    CHECK(std::fabs(above.norm - norm) <= 1.01 * testing::kFloatRounding * norm);
    CHECK(std::fabs(above.scale - norm / 7 / (norm + 1e-6)) <= 1.01 * testing::kFloatRounding / 7);
    CHECK(below.scale == 1);
  });
}

TEST_CASE("gradient_norm of no parameters is 0, and of a NaN is NaN, scale and all") {
  GuardedBuffer<float> norm(1), scale(1), grad(3);
  GuardedBuffer<double> workspace(1);
  Staging s;
  run(gradient_norm, {{nullptr, nullptr, 0, 0}, nullptr, 1, s.out(norm), s.out(scale)}, s.stream());
  s.finish();
  CHECK((norm[0] == 0 && scale[0] == 1));
  std::vector<OptimTensor> tensors(1);
  tensors[0].count = 3;
  const std::vector<OptimChunk> chunks = make_chunks(tensors.data(), 1);
  Staging t;
  tensors[0].grad = t.out(fill(grad, {1, std::numeric_limits<float>::quiet_NaN(), 2}));
  run(gradient_norm, {{t.in(tensors), t.in(chunks), 1, 1}, t.out(workspace), 1, t.out(norm), t.out(scale)}, t.stream());
  t.finish();
  CHECK((std::isnan(norm[0]) && std::isnan(scale[0])));
}

// Two tensors of which one has a NaN in its gradient, with the state of all optimisers.
struct WithNan {
  static constexpr int64_t kAt = 7;
  Staging staging;
  GuardedBuffer<float> value{20}, moment1{20}, moment2{20}, most{20}, other{3}, other_moments{9};
  std::vector<OptimTensor> tensors;
  std::vector<OptimChunk> chunks;
  ParameterList list;
  std::vector<float> grad = std::vector<float>(20, 0.25f), other_grad = std::vector<float>(3, 0.5f);

  WithNan() : tensors(2) {
    grad[kAt] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> zeros(20, 0.0f);
    for (auto* buffer : {&value, &moment1, &moment2, &most}) fill(*buffer, zeros);
    fill(other, std::vector<float>(3, 0.0f));
    fill(other_moments, std::vector<float>(9, 0.0f));
    float* m = staging.out(other_moments);
    tensors[0] = {
        staging.out(value), staging.in(grad), staging.out(moment1), staging.out(moment2), staging.out(most), 20, 0, 0};
    tensors[1] = {staging.out(other), staging.in(other_grad), m, m + 3, m + 6, 3, 0, 0};
    chunks = make_chunks(tensors.data(), 2);
    list = {staging.in(tensors), staging.in(chunks), 2, static_cast<int64_t>(chunks.size())};
  }

  void check(std::initializer_list<GuardedBuffer<float>*> with_its_element_nan) {
    for (auto* buffer : with_its_element_nan) {
      for (int64_t i = 0; i < 20; ++i) CHECK(std::isnan((*buffer)[i]) == (i == kAt));
    }
    for (int64_t i = 0; i < 3; ++i) CHECK(std::isfinite(other[i]));
  }
};

TEST_CASE("a NaN gradient makes its own element NaN, state and all, and under stable_adamw its tensor") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    WithNan sgd;
    run(sgd_step, {sgd.list, nullptr, 0.1, 0.9, 0}, sgd.staging.stream());
    sgd.staging.finish();
    sgd.check({&sgd.value, &sgd.moment1});

    WithNan adam;
    run(adam_step, {adam.list, nullptr, 1, 0.1, 0.9, 0.999, 1e-8, 0, WeightDecay::kDecoupled, true},
        adam.staging.stream());
    adam.staging.finish();
    adam.check({&adam.value, &adam.moment1, &adam.moment2, &adam.most});

    WithNan stable;
    GuardedBuffer<double> workspace(stable_adamw_workspace_bytes(stable.list.num_chunks) / sizeof(double));
    run(stable_adamw_step, {stable.list, nullptr, stable.staging.out(workspace), 1, 0.1, 0.9, 0.999, 1e-8, 0, 1, true},
        stable.staging.stream());
    stable.staging.finish();
    stable.check({&stable.moment1, &stable.moment2, &stable.most});
    for (int64_t i = 0; i < 20; ++i) CHECK(std::isnan(stable.value[i]));
  });
}

TEST_CASE("gradient_norm adds up more chunks than a block has threads") {
  constexpr int64_t kTensors = 300;  // of one element and one chunk each
  GuardedBuffer<float> grad(kTensors), norm(1), scale(1);
  GuardedBuffer<double> workspace(kTensors);
  double squares = 0;
  for (int64_t i = 0; i < kTensors; ++i) {
    grad[i] = static_cast<float>(i + 1);
    squares += static_cast<double>(i + 1) * static_cast<double>(i + 1);
  }
  Staging s;
  float* on_backend = s.out(grad);
  std::vector<OptimTensor> tensors(kTensors);
  for (int64_t i = 0; i < kTensors; ++i) tensors[i].count = 1, tensors[i].grad = on_backend + i;
  const std::vector<OptimChunk> chunks = make_chunks(tensors.data(), kTensors);
  run(gradient_norm,
      {{s.in(tensors), s.in(chunks), kTensors, kTensors}, s.out(workspace), 1, s.out(norm), s.out(scale)}, s.stream());
  s.finish();
  CHECK(std::fabs(norm[0] - std::sqrt(squares)) <= 1.01 * testing::kFloatRounding * std::sqrt(squares));
}

TEST_CASE("stable_adamw adds up more chunks of a tensor than a block has threads") {
  // One gradient that isn't zero, in the last of 257 chunks: u is 1 there and 0 elsewhere, RMS(u) = count^-1/2.
  constexpr int64_t kCount = 256 * kOptimChunk + 1;
  const double clip = 1e-4, rate = 0.5;
  std::vector<float> grad(kCount, 0.0f);
  grad.back() = 3;
  GuardedBuffer<float> value(kCount), moment1(kCount), moment2(kCount);
  for (auto* buffer : {&value, &moment1, &moment2}) std::fill(buffer->data(), buffer->data() + kCount, 0.0f);
  std::vector<OptimTensor> tensors(1);
  Staging s;
  tensors[0] = {s.out(value), s.in(grad), s.out(moment1), s.out(moment2), nullptr, kCount, 0, 0};
  const std::vector<OptimChunk> chunks = make_chunks(tensors.data(), 1);
  REQUIRE(chunks.size() == 257);
  GuardedBuffer<double> workspace(257);
  run(stable_adamw_step,
      {{s.in(tensors), s.in(chunks), 1, 257}, nullptr, s.out(workspace), 1, rate, 0.9, 0.999, 1e-10, 0, clip, false},
      s.stream());
  s.finish();
  // p = -lr / r: m / c1 and sqrt(v / c2) are the gradient itself.
  const double expected = -rate * clip * std::sqrt(static_cast<double>(kCount));
  CHECK(std::fabs(value[kCount - 1] - expected) <= 16 * testing::kFloatRounding * std::fabs(expected));
  CHECK(value[0] == 0);
}

TEST_CASE("stable_adamw gives the same bits for any number of threads") {
  const auto run_once = [] {
    Parameters p;
    GuardedBuffer<double> workspace(stable_adamw_workspace_bytes(p.num_chunks()) / sizeof(double));
    run(stable_adamw_step, {p.lists[1], nullptr, p.staging.out(workspace), 1, 1e-3, 0.9, 0.999, 1e-10, 1e-4, 0.5, true},
        p.staging.stream());
    p.staging.finish();
    return p.values.back()->values();
  };
  set_num_threads(1);
  const std::vector<float> one = run_once();
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    CHECK(same_bits(run_once(), one));
  }
}

}  // namespace
}  // namespace assay::kernels
