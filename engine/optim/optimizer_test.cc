// SPDX-License-Identifier: Apache-2.0
#include "engine/optim/optimizer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/optim/schedule.h"
#include "tests/golden/optim.h"
#include "tests/support/test_device.h"

namespace assay::optim {
namespace {

using autograd::Parameter;
using testing::tensor_of;
using testing::values_of;
using Kind = OptimizerOptions::Kind;

constexpr int64_t kCount = 11;

Parameter start_parameter(const std::string& name = "p") {
  std::vector<float> values;
  for (int64_t i = 0; i < kCount; ++i) values.push_back(static_cast<float>(std::sin(i + 1.0)));
  return {name, tensor_of<float>({kCount}, values), {}, false};
}

void set_gradient(Parameter* p, int64_t t) {
  const std::vector<float> at = values_of<float>(p->value);
  std::vector<float> grad;
  for (size_t i = 0; i < at.size(); ++i) {
    grad.push_back(
        static_cast<float>(std::sin(0.1 * static_cast<double>(t) * (static_cast<double>(i) + 1)) / 2 + 0.3 * at[i]));
  }
  p->grad = tensor_of<float>({kCount}, grad);
  p->has_grad = true;
}

std::vector<float> after_100_steps(const OptimizerOptions& options, double rate) {
  Parameter p = start_parameter();
  Optimizer optimizer({&p}, options);
  for (int64_t t = 1; t <= 100; ++t) {
    set_gradient(&p, t);
    optimizer.step(rate);
  }
  return values_of<float>(p.value);
}

// 100 steps of float32 on values around 1: 100 roundings, doubled for the moments.
void check_close(const std::vector<float>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (size_t i = 0; i < got.size(); ++i) CHECK(std::fabs(got[i] - expected[i]) <= 200 * 0x1p-24);
}

TEST_CASE("100 steps end where PyTorch's do") {
  OptimizerOptions o;
  o.kind = Kind::kSgd;
  check_close(after_100_steps(o, 0.01), golden::kSgd);
  o.momentum = 0.9;
  o.weight_decay = 0.02;
  check_close(after_100_steps(o, 0.01), golden::kSgdMomentum);
  o = {};
  o.kind = Kind::kAdam;
  o.beta1 = 0.5;
  o.weight_decay = 0.02;
  check_close(after_100_steps(o, 0.005), golden::kAdam);
  o = {};
  o.kind = Kind::kAdam;
  o.amsgrad = true;
  check_close(after_100_steps(o, 0.005), golden::kAdamAmsgrad);
  o = {};
  o.kind = Kind::kAdamW;
  o.weight_decay = 0.05;
  o.eps = 1e-6;
  check_close(after_100_steps(o, 0.005), golden::kAdamW);
  o.eps = 1e-8;
  o.max_grad_norm = 0.1;
  check_close(after_100_steps(o, 0.005), golden::kAdamWClipped);
}

TEST_CASE("StableAdamW is AdamW while no update is larger than its limit, and smaller where one is") {
  OptimizerOptions o;
  o.kind = Kind::kAdamW;
  o.weight_decay = 0.05;
  const std::vector<float> adamw = after_100_steps(o, 0.005);
  o.kind = Kind::kStableAdamW;
  o.update_clip = 1000;
  const std::vector<float> unlimited = after_100_steps(o, 0.005);
  for (size_t i = 0; i < adamw.size(); ++i) CHECK(std::fabs(adamw[i] - unlimited[i]) <= 200 * 0x1p-24);
  o.update_clip = 0.1;
  const std::vector<float> start = values_of<float>(start_parameter().value);
  double far = 0, near = 0;
  const std::vector<float> limited = after_100_steps(o, 0.005);
  for (size_t i = 0; i < start.size(); ++i) {
    far += std::fabs(unlimited[i] - start[i]);
    near += std::fabs(limited[i] - start[i]);
  }
  CHECK(near < far / 2);
}

TEST_CASE("a parameter without a gradient stays, and one that gets it again goes on") {
  Parameter p = start_parameter("p"), q = start_parameter("q");
  OptimizerOptions o;
  Optimizer optimizer({&p, &q}, o);
  const std::vector<float> before = values_of<float>(q.value);
  set_gradient(&p, 1);
  optimizer.step(0.01);
  CHECK(values_of<float>(q.value) == before);
  CHECK(values_of<float>(p.value) != before);
  CHECK_FALSE(p.has_grad);
  set_gradient(&p, 2);
  set_gradient(&q, 2);
  optimizer.step(0.01);
  CHECK(values_of<float>(q.value) != before);
}

TEST_CASE("a state that is saved and loaded goes on to the same bits") {
  OptimizerOptions o;
  o.amsgrad = true;
  const auto steps = [](Optimizer* optimizer, Parameter* p, int64_t from, int64_t to) {
    for (int64_t t = from; t <= to; ++t) {
      set_gradient(p, t);
      optimizer->step(0.01);
    }
  };
  Parameter whole = start_parameter();
  Optimizer uninterrupted({&whole}, o);
  steps(&uninterrupted, &whole, 1, 20);

  Parameter first = start_parameter();
  Optimizer before({&first}, o);
  steps(&before, &first, 1, 9);
  Parameter second = {"p", first.value.clone("test"), {}, false};
  Optimizer after({&second}, o);
  REQUIRE(after.load_state(before.save_state()).ok());
  CHECK(after.num_steps() == 9);
  steps(&before, &first, 10, 12);  // the saved state is a copy
  steps(&after, &second, 10, 20);
  CHECK(values_of<float>(second.value) == values_of<float>(whole.value));
}

TEST_CASE("states and options that do not fit are refused by name") {
  Parameter p = start_parameter();
  OptimizerOptions o;
  Optimizer optimizer({&p}, o);
  auto state = optimizer.save_state();
  CHECK(state.size() == 3);
  state.pop_back();
  CHECK(optimizer.load_state(state).message() == "optimizer: p.moment2 is missing");
  CHECK(optimizer.load_state({}).message() == "optimizer: the number of steps is missing");
  state.push_back({"p.moment2", Tensor::zeros<float>({3}, "test")});
  CHECK(optimizer.load_state(state).message() == "optimizer: p.moment2 has shape (3), expected (11) of float32");
  CHECK_THROWS_WITH(Optimizer({}, o), "optimizer: no parameter");
  CHECK_THROWS_WITH(Optimizer({&p, &p}, o), "optimizer: a parameter that is null or listed twice");
  CHECK_THROWS_WITH(optimizer.step(-1), "optimizer: learning rate -1, expected 0 or more");
  o.beta2 = 1;
  CHECK_THROWS_AS(Optimizer({&p}, o), Error);
}

TEST_CASE("schedules begin, peak and end where they should") {
  const WarmupCosine w = {2e-3, 2e-4, 100, 5000};
  CHECK(w.rate(0) == 0);
  CHECK(w.rate(99) == doctest::Approx(2e-3));
  CHECK(w.rate(100) == doctest::Approx(2e-3));
  CHECK(w.rate(2550) == doctest::Approx((2e-3 + 2e-4) / 2));
  CHECK(w.rate(5000) == 2e-4);
  CHECK(w.rate(9000) == 2e-4);
  CHECK(WarmupCosine{1, 0, 0, 10}.rate(0) == 1);
  const StepDecay d = {1, 0.1, 80};
  CHECK(d.rate(79) == 1);
  CHECK(d.rate(80) == doctest::Approx(0.1));
}

}  // namespace
}  // namespace assay::optim
