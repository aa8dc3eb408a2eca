// SPDX-License-Identifier: Apache-2.0
// apply<Op>: the one place where an operation is checked, its outputs allocated, run, and recorded.
//
// An Op is a type with
//   static constexpr const char* kName;
//   struct Attrs;                                                                  // a typed struct, copied into the
//   node static std::vector<Shape> infer(const Inputs& inputs, const Attrs& attrs);     // every contract check; reads
//   no data static void forward(ForwardContext& context, const Attrs& attrs);              // writes the outputs, saves
//   tensors static void backward(BackwardContext& context, const Attrs& attrs);            // writes the wanted
//   gradients
// or, without a derivative, `static constexpr bool kHasDerivative = false` in place of backward. engine/ops/op_types.h
// lists all; tests walk that list.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/autograd/tape.h"

namespace assay::autograd {

// The tensors of an operation's inputs; one that is left out is not defined.
class Inputs {
 public:
  explicit Inputs(const std::vector<Var>& vars) : vars_(vars) {}
  int64_t size() const { return static_cast<int64_t>(vars_.size()); }
  bool has(int64_t i) const { return i < size() && vars_[static_cast<size_t>(i)].is_defined(); }
  // Throws assay::Error where it is left out.
  const Tensor& operator[](int64_t i) const {
    ASSAY_CHECK(has(i), "input ", i, " is left out");
    return vars_[static_cast<size_t>(i)].value();
  }

 private:
  const std::vector<Var>& vars_;
};

class ForwardContext {
 public:
  ForwardContext(const Inputs& inputs, std::vector<Tensor> outputs, bool is_recorded)
      : inputs_(inputs), outputs_(std::move(outputs)), is_recorded_(is_recorded) {}
  const Inputs& inputs() const { return inputs_; }
  const Tensor& input(int64_t i) const { return inputs_[i]; }
  bool has_input(int64_t i) const { return inputs_.has(i); }
  const Tensor& output(int64_t i) const { return outputs_.at(static_cast<size_t>(i)); }
  // An output that infer() did not ask memory for, because it shares another's (reshape).
  void add_output(const Tensor& tensor) { outputs_.push_back(tensor); }
  // Whether a derivative may be asked for: only then is it worth computing what save() keeps.
  bool is_recorded() const { return is_recorded_; }
  // Keeps a tensor for backward; the first call's is saved(0). Does nothing where nothing is recorded.
  void save(const Tensor& tensor) {
    if (is_recorded_) saved_.push_back(tensor);
  }

 private:
  template <class Op>
  friend std::vector<Var> apply_all(const std::vector<Var>&, const typename Op::Attrs&);
  const Inputs& inputs_;
  std::vector<Tensor> outputs_;
  std::vector<Tensor> saved_;
  const bool is_recorded_;
};

// Whether Op has a derivative.
template <class Op, class = void>
struct HasDerivative {
  static constexpr bool value = true;
};
template <class Op>
struct HasDerivative<Op, std::void_t<decltype(Op::kHasDerivative)>> {
  static constexpr bool value = Op::kHasDerivative;
};

template <class Op>
class NodeOf : public Node {
 public:
  explicit NodeOf(typename Op::Attrs attrs) : attrs_(std::move(attrs)) {}
  const char* name() const override { return Op::kName; }
  void backward(BackwardContext& context) override {
    if constexpr (HasDerivative<Op>::value) {
      Op::backward(context, attrs_);
    } else {
      throw Error(text(Op::kName, ": has no derivative"));
    }
  }

 private:
  const typename Op::Attrs attrs_;
};

struct Place {
  Tape* tape;
  Device device;
};
// Where the inputs lie; throws assay::Error where they are on different tapes or devices, or none is defined.
Place common_place(const char* op, const std::vector<Var>& inputs);

template <class Op>
std::vector<Var> apply_all(const std::vector<Var>& inputs, const typename Op::Attrs& attrs) {
  const Place place = common_place(Op::kName, inputs);
  const Inputs tensors(inputs);
  const std::vector<Shape> shapes = Op::infer(tensors, attrs);
  std::vector<Tensor> outputs;
  for (const Shape& shape : shapes) outputs.push_back(Tensor::empty(shape, DType::kFloat32, Op::kName, place.device));
  const bool is_recorded = place.tape->must_record(inputs);
  ASSAY_CHECK(!is_recorded || HasDerivative<Op>::value, Op::kName,
              ": has no derivative, but an input requires a gradient");
  ForwardContext context(tensors, std::move(outputs), is_recorded);
  Op::forward(context, attrs);
  std::unique_ptr<Node> node;
  if (is_recorded) node = std::make_unique<NodeOf<Op>>(attrs);
  return place.tape->add(std::move(node), inputs, context.outputs_, std::move(context.saved_));
}

// For operations with one output.
template <class Op>
Var apply(const std::vector<Var>& inputs, const typename Op::Attrs& attrs) {
  return apply_all<Op>(inputs, attrs)[0];
}

}  // namespace assay::autograd
