// SPDX-License-Identifier: Apache-2.0
// Reverse-mode differentiation: operations are recorded on a tape as they run, and backward() walks the tape in the
// reverse order of recording. (Wengert 1964; Griewank and Walther, Evaluating Derivatives, 2008.)
//
//   Tape tape;
//   const Var x = tape.constant(batch), w = tape.parameter(&weight);
//   const Var loss = mean(square(matmul(x, w)));
//   tape.backward(loss);   // weight.grad now holds d loss / d weight, added to what it held before
//
// A tape lives for one step. It owns gradients and what operations saved; a Var is a tensor and its place on the tape,
// so that a value nobody saved is freed with its last Var. Nodes refer to each other by index, so nothing refers to
// itself. One thread at a time. All values of a tape are on one device.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/device/device.h"
#include "engine/tensor/tensor.h"

namespace assay::autograd {

class Tape;

// What training changes.
struct Parameter {
  std::string name;
  Tensor value;  // float32
  // The shape of value once a backward pass has reached the parameter. Its memory stays where it is from then on, so
  // that an optimiser need not look for it anew at each step.
  Tensor grad;
  bool has_grad = false;  // false: grad holds nothing yet, or nothing any more; the next pass overwrites it
};

// A value on a tape; to be used while the tape lives.
class Var {
 public:
  Var() = default;  // no value: what an optional input that is left out is
  bool is_defined() const { return tape_ != nullptr; }
  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  bool requires_grad() const { return index_ >= 0; }
  // Throws assay::Error where undefined.
  Tape& tape() const;

 private:
  friend class Tape;
  Var(Tape* tape, int32_t index, Tensor value) : tape_(tape), index_(index), value_(std::move(value)) {}
  Tape* tape_ = nullptr;
  int32_t index_ = -1;  // of the tape's value; -1: requires no gradient, so the tape knows nothing of it
  Tensor value_;
};

// How a kernel leaves a gradient: in place of what was there, or added to it.
struct GradSlot {
  bool is_wanted = false;
  bool accumulates = false;  // add to the tensor's content instead of overwriting it
  Tensor tensor;             // in the shape of the input
};

class BackwardContext;

// One recorded operation. An Op of engine/ops gives the derivative; apply() makes the node (apply.h).
class Node {
 public:
  virtual ~Node() = default;
  virtual const char* name() const = 0;
  virtual void backward(BackwardContext& context) = 0;

 private:
  friend class Tape;
  friend class BackwardContext;
  std::vector<int32_t> inputs_;  // -1: left out, or without gradient
  std::vector<int32_t> outputs_;
  std::vector<Tensor> saved_;
};

// What a derivative sees: gradients of the outputs, what forward saved, and where gradients of the inputs go.
class BackwardContext {
 public:
  // Nothing depends on an output without a gradient: it counts as zero.
  bool has_grad_output(int64_t i) const;
  const Tensor& grad_output(int64_t i) const;  // throws assay::Error where there is none
  const Tensor& saved(int64_t i) const { return node_.saved_.at(static_cast<size_t>(i)); }
  int64_t num_saved() const { return static_cast<int64_t>(node_.saved_.size()); }
  bool needs_grad(int64_t input) const;
  // Where the gradient of an input goes, allocated in the input's shape. To be asked for at most once per input, and
  // written completely. Not wanted where needs_grad is false.
  GradSlot grad_input(int64_t input);
  // Instead of grad_input: `grad` is the gradient itself, in the input's shape or one of as many elements. It is kept
  // without a copy where that is safe, so `grad` must not be written afterwards.
  void pass_grad(int64_t input, const Tensor& grad);

 private:
  friend class Tape;
  BackwardContext(Tape& tape, Node& node) : tape_(tape), node_(node) {}
  void finish();  // adds up what inputs named twice received apart

  struct Apart {
    int32_t value;
    Tensor grad;
  };
  Tape& tape_;
  Node& node_;
  std::vector<int32_t> given_;  // values whose gradient this node has written directly
  std::vector<Apart> apart_;
};

class Tape {
 public:
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // A value that no gradient is asked for.
  Var constant(const Tensor& value);
  std::vector<Var> constants(const std::vector<Tensor>& values);
  // A value whose gradient grad() tells after backward.
  Var variable(const Tensor& value);
  // A parameter's value; backward adds to its grad. The parameter must outlive the backward pass. Naming it twice gives
  // the same value on the tape.
  Var parameter(Parameter* parameter);

  // d `loss` / d everything that requires a gradient. loss: one float32 element. To be called once: the pass frees what
  // operations saved, and values and gradients inside the graph, as it goes.
  void backward(const Var& loss);
  // As above with the gradients of some outputs given, each in its output's shape.
  void backward(const std::vector<std::pair<Var, Tensor>>& grads);

  // After backward: the gradient of a variable; an empty tensor where the loss does not depend on it.
  const Tensor& grad(const Var& variable) const;

  // Recording is off within a scope: nothing is saved, and what is computed requires no gradient.
  class NoGrad {
   public:
    explicit NoGrad(Tape& tape) : tape_(tape), before_(tape.recording_) { tape.recording_ = false; }
    ~NoGrad() { tape_.recording_ = before_; }
    NoGrad(const NoGrad&) = delete;
    NoGrad& operator=(const NoGrad&) = delete;

   private:
    Tape& tape_;
    const bool before_;
  };

  // ---- For apply() and checkpoint()

  bool is_recording() const { return recording_; }
  bool must_record(const std::vector<Var>& inputs) const;
  // The values of `outputs` as new Vars that `node` made of `inputs`; node null: nothing is recorded.
  std::vector<Var> add(std::unique_ptr<Node> node, const std::vector<Var>& inputs, const std::vector<Tensor>& outputs,
                       std::vector<Tensor> saved);
  int64_t num_nodes() const { return static_cast<int64_t>(nodes_.size()); }

 private:
  friend class Var;
  friend class BackwardContext;

  struct Value {
    Shape shape;
    Device device;
    Tensor grad;  // written in place only while nobody else holds its storage
    bool has_grad = false;
    bool is_leaf = false;
    Parameter* parameter = nullptr;  // of a leaf
  };

  int32_t add_value(const Tensor& tensor, bool is_leaf, Parameter* parameter);
  Value& value(int32_t index) { return values_[static_cast<size_t>(index)]; }
  // A parameter's gradient is kept in the parameter.
  bool has_grad(int32_t index) const;
  void receive(int32_t index, const Tensor& grad);
  // Where a first gradient is to be written; the value has one from now on.
  const Tensor& fresh_grad(int32_t index);
  // The gradient that the value has, to be added to in place.
  const Tensor& own_grad(int32_t index);
  void walk();

  std::vector<Value> values_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::pair<Parameter*, int32_t>> parameters_;
  bool recording_ = true;
  bool is_spent_ = false;
};

// `function` of `inputs` without keeping what it saves for its derivative: backward runs it a second time. The inputs
// and parameters that it reads must not change in between; random numbers must come from seeds, so that both runs draw
// the same. Bounds memory at the price of one more forward pass.
std::vector<Var> checkpoint(Tape& tape, std::function<std::vector<Var>(Tape&, const std::vector<Var>&)> function,
                            const std::vector<Var>& inputs);

}  // namespace assay::autograd
