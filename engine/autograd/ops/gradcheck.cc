// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/ops/gradcheck.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/autograd/ops/elementwise.h"
#include "engine/autograd/ops/reduce.h"
#include "tests/support/test_device.h"

namespace assay::autograd::testing {
namespace {

using assay::testing::tensor_of;
using assay::testing::values_of;

Doubles widened(const std::vector<float>& v) { return Doubles(v.begin(), v.end()); }

std::vector<Doubles> widened_all(const GradExample& e) {
  std::vector<Doubles> all;
  for (const auto& v : e.values) all.push_back(widened(v));
  return all;
}

// What each output element counts in the loss.
std::vector<float> loss_weights(size_t count) { return random_values(static_cast<int64_t>(count), 99); }

double loss_of(const GradExample& e, const std::vector<Doubles>& inputs) {
  const Doubles output = e.equation(inputs);
  const std::vector<float> weights = loss_weights(output.size());
  double loss = 0;
  for (size_t i = 0; i < output.size(); ++i) loss += weights[i] * output[i];
  return loss;
}

// d loss / d input `which`; `tied` moves another input along with it, -1: none. Central differences of a double
// function: an error of h^2 f''' / 6 + eps f / h, some 1e-9 here.
Doubles expected_gradient(const GradExample& e, size_t which, int tied = -1) {
  constexpr double h = 1e-5;
  std::vector<Doubles> inputs = widened_all(e);
  if (tied >= 0) inputs[static_cast<size_t>(tied)] = inputs[which];
  Doubles gradient;
  for (size_t i = 0; i < inputs[which].size(); ++i) {
    const double at = inputs[which][i];
    const auto move = [&](double to) {
      inputs[which][i] = to;
      if (tied >= 0) inputs[static_cast<size_t>(tied)][i] = to;
      return loss_of(e, inputs);
    };
    gradient.push_back((move(at + h) - move(at - h)) / (2 * h));
    move(at);
  }
  return gradient;
}

// Gradients are float32 sums of at most some 200 terms no larger than the largest gradient times a few: 200 roundings.
void check_close(const std::vector<float>& got, const Doubles& expected, double extra = 0) {
  REQUIRE(got.size() == expected.size());
  double largest = 1 + extra;
  for (const double v : expected) largest = std::max(largest, std::fabs(v));
  int64_t wrong = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!(std::fabs(got[i] - expected[i]) <= 200 * 0x1p-24 * largest)) ++wrong;
  }
  CHECK(wrong == 0);
}

Var weighted_loss(Tape& tape, const Var& output) {
  const std::vector<float> weights = loss_weights(static_cast<size_t>(output.value().size()));
  return sum(multiply(output, tape.constant(tensor_of<float>(output.shape(), weights))));
}

Var input_on(Tape& tape, const GradExample& e, size_t i, bool is_variable) {
  const Tensor t = tensor_of<float>(e.shapes[i], e.values[i]);
  return is_variable ? tape.variable(t) : tape.constant(t);
}

// Gradients of all inputs where alone is -1, of one otherwise.
std::vector<std::vector<float>> gradients(const GradExample& e, int alone, bool is_checkpointed) {
  Tape tape;
  std::vector<Var> inputs;
  for (size_t i = 0; i < e.shapes.size(); ++i) {
    inputs.push_back(input_on(tape, e, i, alone < 0 || static_cast<size_t>(alone) == i));
  }
  const auto function = [&e](Tape&, const std::vector<Var>& in) { return std::vector<Var>{e.run(in)}; };
  const Var output = is_checkpointed ? checkpoint(tape, function, inputs)[0] : e.run(inputs);
  tape.backward(weighted_loss(tape, output));
  std::vector<std::vector<float>> result;
  for (const Var& v : inputs) {
    result.push_back(v.requires_grad() ? values_of<float>(tape.grad(v)) : std::vector<float>());
  }
  return result;
}

void check_forward(const GradExample& e) {
  Tape tape;
  std::vector<Var> inputs;
  for (size_t i = 0; i < e.shapes.size(); ++i) inputs.push_back(input_on(tape, e, i, false));
  const Var output = e.run(inputs);
  CHECK_FALSE(output.requires_grad());
  CHECK(tape.num_nodes() == 0);
  check_close(values_of<float>(output.value()), e.equation(widened_all(e)));
}

// The input has another use, recorded later, so that its gradient is there when the operation adds to it.
void check_accumulation(const GradExample& e) {
  for (size_t which = 0; which < e.shapes.size(); ++which) {
    CAPTURE(which);
    Tape tape;
    std::vector<Var> inputs;
    for (size_t i = 0; i < e.shapes.size(); ++i) inputs.push_back(input_on(tape, e, i, true));
    const Var loss = weighted_loss(tape, e.run(inputs));
    tape.backward(add(loss, sum(scale(inputs[which], 3))));
    Doubles expected = expected_gradient(e, which);
    for (double& v : expected) v += 3;
    check_close(values_of<float>(tape.grad(inputs[which])), expected, 3);
  }
}

void check_tied(const GradExample& e) {
  for (size_t i = 0; i < e.shapes.size(); ++i) {
    for (size_t j = i + 1; j < e.shapes.size(); ++j) {
      if (e.shapes[i] != e.shapes[j]) continue;
      Tape tape;
      std::vector<Var> inputs;
      for (size_t k = 0; k < e.shapes.size(); ++k) inputs.push_back(input_on(tape, e, k, true));
      inputs[j] = inputs[i];
      tape.backward(weighted_loss(tape, e.run(inputs)));
      check_close(values_of<float>(tape.grad(inputs[i])), expected_gradient(e, i, static_cast<int>(j)));
    }
  }
}

}  // namespace

std::vector<float> random_values(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) {
    const double u = generator() * 0x1p-32 * 2 - 1;  // -1 .. 1
    v = static_cast<float>(u + (u < 0 ? -0.05 : 0.05)) * 1.9f;
  }
  return values;
}

GradExample example(std::string name, const std::vector<Shape>& shapes, std::function<Var(const std::vector<Var>&)> run,
                    std::function<Doubles(const std::vector<Doubles>&)> equation) {
  GradExample e = {std::move(name), shapes, {}, std::move(run), std::move(equation)};
  for (size_t i = 0; i < shapes.size(); ++i) {
    e.values.push_back(random_values(num_elements(shapes[i]), static_cast<uint32_t>(i + 1)));
  }
  return e;
}

void check_gradients(const GradExample& e) {
  CAPTURE(e.name);
  check_forward(e);
  const auto all = gradients(e, -1, /*is_checkpointed=*/false);
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    check_close(all[i], expected_gradient(e, i));
    CHECK(gradients(e, static_cast<int>(i), /*is_checkpointed=*/false)[i] == all[i]);
  }
  CHECK(gradients(e, -1, /*is_checkpointed=*/true) == all);
  check_accumulation(e);
  check_tied(e);
}

}  // namespace assay::autograd::testing
