// SPDX-License-Identifier: Apache-2.0
// The bookkeeping of differentiation, with operations of the test's own: their derivatives are in doubt nowhere.
#include "engine/autograd/tape.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/autograd/apply.h"
#include "engine/memory/usage.h"

namespace assay::autograd {
namespace {

Tensor tensor_of(const std::vector<float>& values) {
  Tensor t = Tensor::empty<float>({static_cast<int64_t>(values.size())}, "test values");
  for (size_t i = 0; i < values.size(); ++i) t.data<float>()[i] = values[i];
  return t;
}

std::vector<float> values_of(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

void write(const GradSlot& slot, int64_t i, float value) {
  float& to = slot.tensor.data<float>()[i];
  to = slot.accumulates ? to + value : value;
}

// a b, element by element. Writes both gradients in one pass, as a fused kernel would.
struct Multiply {
  static constexpr const char* kName = "multiply";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs&) { return {in[0].shape()}; }
  static void forward(ForwardContext& c, const Attrs&) {
    for (int64_t i = 0; i < c.output(0).size(); ++i) {
      c.output(0).data<float>()[i] = c.input(0).data<float>()[i] * c.input(1).data<float>()[i];
    }
    c.save(c.input(0));
    c.save(c.input(1));
  }
  static void backward(BackwardContext& c, const Attrs&) {
    const GradSlot a = c.grad_input(0), b = c.grad_input(1);
    for (int64_t i = 0; i < c.grad_output(0).size(); ++i) {
      const float g = c.grad_output(0).data<float>()[i];
      const float x = c.saved(0).data<float>()[i], y = c.saved(1).data<float>()[i];
      if (a.is_wanted) write(a, i, g * y);
      if (b.is_wanted) write(b, i, g * x);
    }
  }
};

// The sum and the sum of squares: two outputs.
struct Sums {
  static constexpr const char* kName = "sums";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs&, const Attrs&) { return {{1}, {1}}; }
  static void forward(ForwardContext& c, const Attrs&) {
    float sum = 0, squares = 0;
    for (const float v : values_of(c.input(0))) sum += v, squares += v * v;
    c.output(0).data<float>()[0] = sum;
    c.output(1).data<float>()[0] = squares;
    c.save(c.input(0));
  }
  static void backward(BackwardContext& c, const Attrs&) {
    const GradSlot x = c.grad_input(0);
    for (int64_t i = 0; i < c.saved(0).size(); ++i) {
      float g = 0;
      if (c.has_grad_output(0)) g += c.grad_output(0).data<float>()[0];
      if (c.has_grad_output(1)) g += c.grad_output(1).data<float>()[0] * 2 * c.saved(0).data<float>()[i];
      write(x, i, g);
    }
  }
};

// Passes its gradient through to both inputs.
struct Add {
  static constexpr const char* kName = "add";
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs&) { return {in[0].shape()}; }
  static void forward(ForwardContext& c, const Attrs&) {
    for (int64_t i = 0; i < c.output(0).size(); ++i) {
      c.output(0).data<float>()[i] = c.input(0).data<float>()[i] + c.input(1).data<float>()[i];
    }
  }
  static void backward(BackwardContext& c, const Attrs&) {
    c.pass_grad(0, c.grad_output(0));
    c.pass_grad(1, c.grad_output(0));
  }
};

struct Floor {
  static constexpr const char* kName = "floor";
  static constexpr bool kHasDerivative = false;
  struct Attrs {};
  static std::vector<Shape> infer(const Inputs& in, const Attrs&) { return {in[0].shape()}; }
  static void forward(ForwardContext&, const Attrs&) {}
};

Var multiply(const Var& a, const Var& b) { return apply<Multiply>({a, b}, {}); }
Var add(const Var& a, const Var& b) { return apply<Add>({a, b}, {}); }
Var sum(const Var& x) { return apply_all<Sums>({x}, {})[0]; }

TEST_CASE("a value that is used twice gets the sum of both gradients, whether by one operation or by several") {
  Tape tape;
  const Var x = tape.variable(tensor_of({2, -3}));
  const Var square = multiply(x, x);                  // 2x
  const Var cube = multiply(square, x);               // 3x^2
  const Var all = add(add(cube, square), add(x, x));  // + 2x + 2
  tape.backward(sum(all));
  CHECK(values_of(tape.grad(x)) == std::vector<float>{12 + 4 + 2, 27 - 6 + 2});
}

TEST_CASE("a gradient that is passed on without a copy is not written by who gets it") {
  Tape tape;
  const Var x = tape.variable(tensor_of({1})), y = tape.variable(tensor_of({5}));
  const Var s = add(x, y);  // x and y receive the same tensor
  const Var t = add(x, s);  // and x more
  const Tensor seed = tensor_of({1});
  tape.backward({{multiply(t, t), seed}});  // t = 7
  CHECK(values_of(tape.grad(x)) == std::vector<float>{28});
  CHECK(values_of(tape.grad(y)) == std::vector<float>{14});
  CHECK(values_of(seed) == std::vector<float>{1});
}

TEST_CASE("outputs that nothing depends on count as zero, and both may be used") {
  for (const bool both : {false, true}) {
    Tape tape;
    const Var x = tape.variable(tensor_of({2, -3}));
    const std::vector<Var> sums = apply_all<Sums>({x}, {});
    tape.backward(both ? add(sums[0], sums[1]) : sums[1]);
    CHECK(values_of(tape.grad(x)) == (both ? std::vector<float>{5, -5} : std::vector<float>{4, -6}));
  }
}

TEST_CASE("constants and what is computed without recording cost nothing and get no gradient") {
  Tape tape;
  const Var c = tape.constant(tensor_of({3}));
  CHECK_FALSE(multiply(c, c).requires_grad());
  const Var x = tape.variable(tensor_of({2}));
  {
    const Tape::NoGrad no_grad(tape);
    CHECK_FALSE(multiply(x, x).requires_grad());
  }
  CHECK(tape.num_nodes() == 0);
  const Var y = multiply(x, c);
  CHECK(tape.num_nodes() == 1);
  tape.backward(y);
  CHECK(values_of(tape.grad(x)) == std::vector<float>{3});
  CHECK_THROWS_WITH(tape.grad(c), "grad: not a variable of this tape");
}

TEST_CASE("a variable that the loss does not depend on has no gradient") {
  Tape tape;
  const Var x = tape.variable(tensor_of({2})), unused = tape.variable(tensor_of({2}));
  const Var dead = multiply(unused, unused);
  tape.backward(multiply(x, x));
  CHECK(tape.grad(unused).size() == 0);
  CHECK(dead.requires_grad());
}

TEST_CASE("parameters keep their gradient over tapes and add up; naming one twice is naming it once") {
  Parameter p = {"p", tensor_of({3}), {}, false};
  for (int step = 1; step <= 2; ++step) {
    Tape tape;
    tape.backward(multiply(tape.parameter(&p), tape.parameter(&p)));
    CHECK(values_of(p.grad) == std::vector<float>{static_cast<float>(6 * step)});
  }
  CHECK(values_of(p.value) == std::vector<float>{3});
}

TEST_CASE("a parameter's gradient stays in its place, and is overwritten once it is said to be used up") {
  Parameter p = {"p", tensor_of({3}), {}, false};
  const float* place = nullptr;
  for (int step = 0; step < 3; ++step) {
    Tape tape;
    const Var w = tape.parameter(&p);
    tape.backward(step == 1 ? add(w, w) : multiply(w, w));  // add passes its gradient on instead of writing it
    if (step == 0) place = p.grad.data<float>();
    CHECK(p.grad.data<float>() == place);
    CHECK(values_of(p.grad) == std::vector<float>{step == 1 ? 2.0f : 6.0f});
    p.has_grad = false;
  }
}

TEST_CASE("saved tensors are freed as the walk passes, and values nobody saved with their last Var") {
  const auto live = [] { return memory_usage()["test values"].live_bytes + memory_usage()["multiply"].live_bytes; };
  const int64_t before = live();
  Tape tape;
  {
    Var v = tape.variable(tensor_of({1}));
    for (int i = 0; i < 10; ++i) v = multiply(v, v);
    CHECK(live() - before == 11 * 4);  // each saved by the next one, the last held by v
    tape.backward(v);
  }
  CHECK(live() == before);
  Tape chain;
  Var v = chain.variable(tensor_of({1}));
  for (int i = 0; i < 10; ++i) v = add(v, chain.constant(tensor_of({1})));
  CHECK(memory_usage()["add"].live_bytes == 4);
}

TEST_CASE("checkpoint gives the same values and gradients, and saves its inputs alone") {
  Parameter p = {"p", tensor_of({3}), {}, false};
  const auto function = [&p](Tape& t, const std::vector<Var>& in) {
    Var y = multiply(in[0], t.parameter(&p));
    for (int i = 0; i < 3; ++i) y = multiply(y, y);
    return std::vector<Var>{y, add(in[1], y)};
  };
  std::vector<std::vector<float>> results[2];
  int64_t nodes[2];
  for (const int is_checkpointed : {0, 1}) {
    p.has_grad = false;
    Tape tape;
    const Var x = tape.variable(tensor_of({0.5f})), z = tape.variable(tensor_of({2}));
    const Var doubled = add(x, x);
    const std::vector<Var> y =
        is_checkpointed ? checkpoint(tape, function, {doubled, z}) : function(tape, {doubled, z});
    nodes[is_checkpointed] = tape.num_nodes();
    tape.backward(multiply(y[0], y[1]));
    results[is_checkpointed] = {values_of(y[0].value()), values_of(y[1].value()), values_of(tape.grad(x)),
                                values_of(tape.grad(z)), values_of(p.grad)};
  }
  CHECK(results[0] == results[1]);
  CHECK(nodes[0] == 6);
  CHECK(nodes[1] == 2);
}

TEST_CASE("checkpoint of constants still reaches the parameters inside") {
  Parameter p = {"p", tensor_of({3}), {}, false};
  Tape tape;
  const auto square = [&p](Tape& t, const std::vector<Var>&) {
    return std::vector<Var>{multiply(t.parameter(&p), t.parameter(&p))};
  };
  tape.backward(checkpoint(tape, square, {tape.constant(tensor_of({1}))})[0]);
  CHECK(values_of(p.grad) == std::vector<float>{6});
}

TEST_CASE("wrong uses are refused by name") {
  Tape tape, other;
  const Var x = tape.variable(tensor_of({1, 2}));
  CHECK_THROWS_WITH(tape.backward(x), "backward: the loss has shape (2), expected one element");
  CHECK_THROWS_WITH(apply<Floor>({x}, {}), "floor: has no derivative, but an input requires a gradient");
  CHECK_NOTHROW(apply<Floor>({tape.constant(tensor_of({1}))}, {}));
  CHECK_THROWS_WITH(multiply(x, other.variable(tensor_of({1, 2}))), "multiply: inputs on different tapes");
  CHECK_THROWS_WITH(multiply(Var(), Var()), "multiply: no input");
  CHECK_THROWS_WITH(tape.grad(x), "grad: backward has not run");
  CHECK_THROWS_WITH(tape.variable(Tensor::zeros<int32_t>({1}, "test")),
                    "tape: a value of int32 cannot have a gradient, expected float32");
  const Var loss = sum(x);
  tape.backward(loss);
  CHECK_THROWS_WITH(tape.backward(loss), "backward: to be called once per tape");
  CHECK_THROWS_WITH(sum(x), "tape: backward has run; a new step needs a new tape");
  CHECK_THROWS_WITH(Var().tape(), "a Var that is not defined has no tape");
}

}  // namespace
}  // namespace assay::autograd
