// SPDX-License-Identifier: Apache-2.0
// Execution plans of cuDNN's backend API for convolutions. Apart from the launcher, so that a test can have real cuDNN
// make plans for a GPU that is not there.
//
// A graph is conv [+ residual] + bias, in this order, for which cuDNN has precompiled engines. The activation is not
// part of it: a ReLU clipped at 6 is left with cuDNN's slowest engine alone (9.19 on an H100), and what a ReLU makes of
// NaN is not promised. gemm_finish does it in place.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/conv/conv2d.h"

namespace assay::kernels {

// What a plan is made for: a device's handle, or the properties of a device, which need none.
struct CudnnTarget {
  cudnnHandle_t handle = nullptr;
  cudnnBackendDescriptor_t device_properties = nullptr;
};

// The tensors of a graph, by the unique ids that cuDNN knows them by.
enum class ConvTensor : int64_t { kX = 1, kWeight, kBias, kResidual, kY, kProduct, kSum };

class ConvPlan {
 public:
  // The fastest exact engine that needs no more than `max_workspace_bytes`. Throws where cuDNN has none.
  ConvPlan(const Conv2dArgs& args, const CudnnTarget& target, int64_t max_workspace_bytes);
  ~ConvPlan();
  ConvPlan(const ConvPlan&) = delete;
  ConvPlan& operator=(const ConvPlan&) = delete;

  // Whether bias, and a residual that is not y, are added by cuDNN. Otherwise by a pass of ours.
  bool is_fused() const { return fused_; }
  // A residual that is y is added by cuDNN, as what y held before.
  int64_t workspace_bytes() const { return workspace_bytes_; }
  int64_t engine() const { return engine_; }  // cuDNN's number of it

  // Starts the plan on the handle's stream.
  void execute(const Conv2dArgs& args, cudnnHandle_t handle) const;

 private:
  class Builder;

  // A plan, and all that it refers to, which must live as long.
  std::vector<cudnnBackendDescriptor_t> descriptors_;
  cudnnBackendDescriptor_t plan_ = nullptr;
  bool fused_ = false;
  int64_t workspace_bytes_ = 0;
  int64_t engine_ = -1;
};

// All of a problem that a plan depends on, for caches.
std::vector<int64_t> conv_plan_key(const Conv2dArgs& args, int64_t max_workspace_bytes);

// Throws with the call, the shape, cuDNN's name of the status and its last message.
void check_cudnn(cudnnStatus_t status, const char* call, const Conv2dArgs& args);

}  // namespace assay::kernels
