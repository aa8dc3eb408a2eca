// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engine/autograd/tape.h"

namespace assay::autograd {
namespace {

using Function = std::function<std::vector<Var>(Tape&, const std::vector<Var>&)>;

// Saves the inputs alone; its backward records the function on a tape of its own and walks that.
class CheckpointNode : public Node {
 public:
  CheckpointNode(Function function, size_t num_inputs) : function_(std::move(function)), num_inputs_(num_inputs) {}
  const char* name() const override { return "checkpoint"; }

  void backward(BackwardContext& context) override {
    Tape tape;
    std::vector<Var> inputs;
    for (size_t i = 0; i < num_inputs_; ++i) {
      const Tensor& value = context.saved(static_cast<int64_t>(i));
      inputs.push_back(context.needs_grad(static_cast<int64_t>(i)) ? tape.variable(value) : tape.constant(value));
    }
    const std::vector<Var> outputs = function_(tape, inputs);
    std::vector<std::pair<Var, Tensor>> grads;
    for (size_t o = 0; o < outputs.size(); ++o) {
      const int64_t output = static_cast<int64_t>(o);
      if (outputs[o].requires_grad() && context.has_grad_output(output)) {
        grads.push_back({outputs[o], context.grad_output(output)});
      }
    }
    if (grads.empty()) return;
    tape.backward(grads);
    for (size_t i = 0; i < num_inputs_; ++i) {
      const int64_t input = static_cast<int64_t>(i);
      if (!context.needs_grad(input)) continue;
      const Tensor& grad = tape.grad(inputs[i]);
      if (grad.size() > 0) context.pass_grad(input, grad);
    }
  }

 private:
  const Function function_;
  const size_t num_inputs_;
};

}  // namespace

std::vector<Var> checkpoint(Tape& tape, Function function, const std::vector<Var>& inputs) {
  // Parameters that the function reads make its outputs depend on something even where no input does.
  if (!tape.is_recording()) return function(tape, inputs);
  std::vector<Tensor> outputs;
  {
    const Tape::NoGrad no_grad(tape);
    for (const Var& output : function(tape, inputs)) outputs.push_back(output.value());
  }
  std::vector<Tensor> saved;
  for (const Var& input : inputs) saved.push_back(input.value());
  auto node = std::make_unique<CheckpointNode>(std::move(function), inputs.size());
  return tape.add(std::move(node), inputs, outputs, std::move(saved));
}

}  // namespace assay::autograd
