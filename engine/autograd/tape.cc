// SPDX-License-Identifier: Apache-2.0
#include "engine/autograd/tape.h"

#include <algorithm>

#include "engine/autograd/apply.h"
#include "engine/device/stream.h"
#include "engine/ops/combine.h"

namespace assay::autograd {

Tape& Var::tape() const {
  ASSAY_CHECK(tape_ != nullptr, "a Var that is not defined has no tape");
  return *tape_;
}

// ---- Recording

int32_t Tape::add_value(const Tensor& tensor, bool is_leaf, Parameter* parameter) {
  ASSAY_CHECK(!is_spent_, "tape: backward has run; a new step needs a new tape");
  ASSAY_CHECK(tensor.dtype() == DType::kFloat32, "tape: a value of ", dtype_name(tensor.dtype()),
              " cannot have a gradient, expected float32");
  Value value;
  value.shape = tensor.shape();
  value.device = tensor.device();
  value.is_leaf = is_leaf;
  value.parameter = parameter;
  values_.push_back(std::move(value));
  return static_cast<int32_t>(values_.size()) - 1;
}

Var Tape::constant(const Tensor& value) { return Var(this, -1, value); }

std::vector<Var> Tape::constants(const std::vector<Tensor>& values) {
  std::vector<Var> vars;
  for (const Tensor& value : values) vars.push_back(constant(value));
  return vars;
}

Var Tape::variable(const Tensor& value) { return Var(this, add_value(value, /*is_leaf=*/true, nullptr), value); }

Var Tape::parameter(Parameter* parameter) {
  ASSAY_CHECK(parameter != nullptr, "tape: a parameter that is null");
  for (const auto& [known, index] : parameters_) {
    if (known == parameter) return Var(this, index, parameter->value);
  }
  const int32_t index = add_value(parameter->value, /*is_leaf=*/true, parameter);
  parameters_.push_back({parameter, index});
  return Var(this, index, parameter->value);
}

bool Tape::must_record(const std::vector<Var>& inputs) const {
  return recording_ && std::any_of(inputs.begin(), inputs.end(), [](const Var& v) { return v.requires_grad(); });
}

std::vector<Var> Tape::add(std::unique_ptr<Node> node, const std::vector<Var>& inputs,
                           const std::vector<Tensor>& outputs, std::vector<Tensor> saved) {
  std::vector<Var> vars;
  for (const Tensor& output : outputs) {
    const int32_t index = node ? add_value(output, /*is_leaf=*/false, nullptr) : -1;
    vars.push_back(Var(this, index, output));
    if (node) node->outputs_.push_back(index);
  }
  if (node) {
    for (const Var& input : inputs) node->inputs_.push_back(input.index_);
    node->saved_ = std::move(saved);
    nodes_.push_back(std::move(node));
  }
  return vars;
}

// ---- Walking back

void Tape::backward(const Var& loss) {
  ASSAY_CHECK(loss.is_defined() && loss.value().size() == 1, "backward: the loss has shape ", to_string(loss.shape()),
              ", expected one element");
  const Tensor one = Tensor::empty(loss.shape(), DType::kFloat32, "gradients", loss.value().device());
  ops::fill(one, 1.0f);
  backward({{loss, one}});
}

void Tape::backward(const std::vector<std::pair<Var, Tensor>>& grads) {
  ASSAY_CHECK(!is_spent_, "backward: to be called once per tape");
  for (const auto& [output, grad] : grads) {
    ASSAY_CHECK(output.tape_ == this && output.requires_grad(),
                "backward: the output does not depend on anything of this tape that requires a gradient");
    ASSAY_CHECK(
        grad.shape() == output.shape() && grad.dtype() == DType::kFloat32 && grad.device() == output.value().device(),
        "backward: a gradient of shape ", to_string(grad.shape()), ", expected ", to_string(output.shape()),
        " of float32 on the output's device");
    receive(output.index_, grad);
  }
  is_spent_ = true;
  walk();
}

void Tape::walk() {
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
    Node& node = **it;
    const bool is_reached =
        std::any_of(node.outputs_.begin(), node.outputs_.end(), [&](int32_t v) { return has_grad(v); });
    if (is_reached) {
      BackwardContext context(*this, node);
      node.backward(context);
      context.finish();
    }
    for (const int32_t v : node.outputs_) value(v).grad = Tensor();
    it->reset();  // what it saved goes as the walk passes
  }
  nodes_.clear();
}

bool Tape::has_grad(int32_t index) const {
  const Value& v = values_[static_cast<size_t>(index)];
  return v.parameter != nullptr ? v.parameter->has_grad : v.has_grad;
}

// Adds `grad` to what the value has. The first one is kept as it is, whoever else holds it, but for a parameter's,
// which has its own memory.
void Tape::receive(int32_t index, const Tensor& grad) {
  Value& v = value(index);
  const Tensor shaped = grad.reshape(v.shape);
  if (has_grad(index)) {
    ops::add_into(own_grad(index), shaped);
  } else if (v.parameter != nullptr) {
    const Tensor& own = fresh_grad(index);
    copy(shaped, own, current_stream(v.device));
  } else {
    v.grad = shaped;
    v.has_grad = true;
  }
}

const Tensor& Tape::fresh_grad(int32_t index) {
  Value& v = value(index);
  Tensor& grad = v.parameter != nullptr ? v.parameter->grad : v.grad;
  (v.parameter != nullptr ? v.parameter->has_grad : v.has_grad) = true;
  const bool is_there = v.parameter != nullptr && grad.shape() == v.shape && grad.device() == v.device;
  if (!is_there) grad = Tensor::empty(v.shape, DType::kFloat32, "gradients", v.device);
  return grad;
}

const Tensor& Tape::own_grad(int32_t index) {
  Value& v = value(index);
  if (v.parameter != nullptr) return v.parameter->grad;
  if (v.grad.is_shared()) v.grad = v.grad.clone("gradients");
  return v.grad;
}

const Tensor& Tape::grad(const Var& variable) const {
  ASSAY_CHECK(variable.tape_ == this && variable.requires_grad(), "grad: not a variable of this tape");
  ASSAY_CHECK(is_spent_, "grad: backward has not run");
  const Value& value = values_[static_cast<size_t>(variable.index_)];
  ASSAY_CHECK(value.is_leaf && value.parameter == nullptr, "grad: gradients inside the graph are freed by backward, ",
              "and a parameter's is in the parameter");
  return value.grad;
}

// ---- What a derivative sees

bool BackwardContext::has_grad_output(int64_t i) const {
  return tape_.has_grad(node_.outputs_.at(static_cast<size_t>(i)));
}

const Tensor& BackwardContext::grad_output(int64_t i) const {
  ASSAY_CHECK(has_grad_output(i), node_.name(), ": output ", i, " has no gradient");
  return tape_.value(node_.outputs_[static_cast<size_t>(i)]).grad;
}

bool BackwardContext::needs_grad(int64_t input) const {
  return input < static_cast<int64_t>(node_.inputs_.size()) && node_.inputs_[static_cast<size_t>(input)] >= 0;
}

GradSlot BackwardContext::grad_input(int64_t input) {
  if (!needs_grad(input)) return {};
  const int32_t index = node_.inputs_[static_cast<size_t>(input)];
  // A value that is named twice: kernels write both gradients at once, so the second one gets memory of its own.
  if (std::find(given_.begin(), given_.end(), index) != given_.end()) {
    const Tape::Value& value = tape_.value(index);
    apart_.push_back({index, Tensor::empty(value.shape, DType::kFloat32, "gradients", value.device)});
    return {true, false, apart_.back().grad};
  }
  given_.push_back(index);
  if (tape_.has_grad(index)) return {true, true, tape_.own_grad(index)};
  return {true, false, tape_.fresh_grad(index)};
}

void BackwardContext::pass_grad(int64_t input, const Tensor& grad) {
  if (needs_grad(input)) apart_.push_back({node_.inputs_[static_cast<size_t>(input)], grad});
}

void BackwardContext::finish() {
  for (const Apart& a : apart_) tape_.receive(a.value, a.grad);
}

// ---- Where inputs lie

Place common_place(const char* op, const std::vector<Var>& inputs) {
  const Var* first = nullptr;
  for (const Var& v : inputs) {
    if (!v.is_defined()) continue;
    if (first == nullptr) first = &v;
    ASSAY_CHECK(&v.tape() == &first->tape(), op, ": inputs on different tapes");
    ASSAY_CHECK(v.value().device() == first->value().device(), op, ": inputs on ", to_string(first->value().device()),
                " and ", to_string(v.value().device()));
  }
  ASSAY_CHECK(first != nullptr, op, ": no input");
  return {&first->tape(), first->value().device()};
}

}  // namespace assay::autograd
