// SPDX-License-Identifier: Apache-2.0
// The parameters of a network by name. Layers declare theirs as they are constructed; the list owns them, initialises
// them or takes their values from a file, and hands them to an optimiser.
//
//   ParameterList list;
//   const Linear first(&list, "mlp.fc1", 384, 1536);
//   list.initialise(seed, device);                        // or list.load(tensors, device)
//   const Var y = first.forward(x, {/*trains=*/true, seed, step});
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/device/device.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::models {

// What a parameter holds before training.
enum class Initial {
  kTruncatedNormal,  // deviation 0.01, cut at -0.03 and 0.03 (Guo et al. 2025)
  kZeros,
  kOnes,
  kKaimingNormal,   // of a convolution: deviation sqrt(2 / (C_out KH KW)), all axes but the last (He et al. 2015)
  kKaimingUniform,  // as PyTorch does by default: up to 1 / sqrt(all axes but the first) on either side of zero
};

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

// Of one forward pass through layers.
struct Pass {
  bool trains = false;  // gradients of parameters are wanted, and dropout drops
  uint64_t seed = 0;    // of dropout
  uint64_t step = 0;    // of training: dropout's masks are functions of seed, step and the layer, so that a pass that
                        // is repeated for checkpoint() repeats them
};

// Parameters keep their addresses while the list lives. Not copied: layers point into it.
class ParameterList {
 public:
  ParameterList() = default;
  ParameterList(const ParameterList&) = delete;
  ParameterList& operator=(const ParameterList&) = delete;

  // Throws assay::Error where the name is taken. The value has no elements yet.
  autograd::Parameter* declare(const std::string& name, const Shape& shape, Initial initial);
  // The same for what a network keeps beside what is trained, as running statistics: no gradient, no optimiser.
  autograd::Parameter* declare_buffer(const std::string& name, const Shape& shape, Initial initial);

  int64_t size() const { return static_cast<int64_t>(parameters_.size()); }
  // In the order of declaration.
  autograd::Parameter& at(int64_t i) { return parameters_.at(static_cast<size_t>(i)); }
  const autograd::Parameter& at(int64_t i) const { return parameters_.at(static_cast<size_t>(i)); }
  const Shape& shape(int64_t i) const { return shapes_.at(static_cast<size_t>(i)); }
  int64_t num_elements() const;  // of all parameters
  // What an optimiser is given: all but the buffers, in the order of declaration.
  std::vector<autograd::Parameter*> trained();

  // Fresh values. A parameter's depend on seed and its place in the list alone: the same for each device.
  void initialise(uint64_t seed, Device device);
  // Values from elsewhere, all or none. What is missing, of another shape or dtype, or left over is an error that lists
  // it. Tensors on `device` are shared, not copied.
  Status load(const NamedTensors& tensors, Device device);
  // Values by name, in the order of declaration, sharing memory.
  NamedTensors values() const;

 private:
  std::deque<autograd::Parameter> parameters_;
  std::vector<Shape> shapes_;
  std::vector<Initial> initials_;
  std::vector<bool> is_buffer_;
  std::map<std::string, int64_t> index_;
};

// A parameter in a pass: with a gradient where the pass trains.
autograd::Var use(autograd::Tape& tape, autograd::Parameter* parameter, const Pass& pass);

// ---- Names and shapes, expected and found

struct NamedShape {
  std::string name;
  Shape shape;
};
// Ok where `found` has what is expected and nothing else. Otherwise a message with up to ten names of each kind:
// missing, unexpected, of the wrong shape.
Status check_names_and_shapes(const std::vector<NamedShape>& expected, const std::vector<NamedShape>& found);

}  // namespace assay::models
