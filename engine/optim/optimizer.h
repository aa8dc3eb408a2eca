// SPDX-License-Identifier: Apache-2.0
// Optimisers over a list of parameters (equations and sources: kernels/optim/step.h), with an optional limit on the
// norm of all gradients together.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/autograd/tape.h"
#include "kernels/base/status.h"
#include "kernels/optim/parameters.h"

namespace assay::optim {

struct OptimizerOptions {
  enum class Kind { kSgd, kAdam, kAdamW, kStableAdamW };
  Kind kind = Kind::kStableAdamW;
  double momentum = 0;  // SGD's, 0 <= momentum < 1
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;         // > 0
  double weight_decay = 0;   // >= 0
  bool amsgrad = false;      // of the Adam family
  double update_clip = 1;    // StableAdamW's limit of a tensor's update, > 0
  double max_grad_norm = 0;  // gradients are scaled down so that their norm stays below; 0: no limit
};

// Not for several threads at once. The parameters must outlive it, and keep their shapes and device.
class Optimizer {
 public:
  // Throws assay::Error where a parameter is null, listed twice, not float32 or on another device than the first, or
  // an option is out of its range.
  Optimizer(std::vector<autograd::Parameter*> parameters, const OptimizerOptions& options);

  // One step from the gradients of the last backward pass, which are then used up (has_grad false). A parameter that
  // has none is left as it is, its moments too. learning_rate >= 0.
  void step(double learning_rate);

  int64_t num_steps() const { return num_steps_; }
  // Of the last step with max_grad_norm, before scaling. Waits for the device.
  double last_grad_norm() const;

  // What a continued training needs beside the parameters: number of steps and moments by name.
  std::vector<std::pair<std::string, Tensor>> save_state() const;
  // Takes what save_state gave. An error names the tensor that is missing or has another shape; nothing is changed
  // then.
  Status load_state(const std::vector<std::pair<std::string, Tensor>>& state);

 private:
  struct Slot {
    autograd::Parameter* parameter;
    Tensor moment1, moment2, most_moment2;
  };
  void update_tables();

  OptimizerOptions options_;
  std::vector<Slot> slots_;
  Device device_;
  int64_t num_steps_ = 0;
  std::vector<kernels::OptimTensor> host_tensors_;  // what the device's table holds
  std::vector<kernels::OptimChunk> host_chunks_;
  Tensor tensors_, chunks_;  // bytes, on the device
  Tensor norm_;              // (2): norm, scale
};

}  // namespace assay::optim
