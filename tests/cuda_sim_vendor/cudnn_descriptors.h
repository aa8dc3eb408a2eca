// SPDX-License-Identifier: Apache-2.0
// Descriptors of the simulated cuDNN: what was set, checked as the real library checks it (vendor_descriptors_test.cc
// runs the same cases on both). A descriptor that others refer to must live as long as they do: whether the real
// library copies it is not promised.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/cuda_sim_vendor/device_work.h"

namespace assay::cuda_sim_vendor {

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  bool finalized = false;
  bool alive = true;
  std::map<int, std::vector<unsigned char>> values;  // by attribute

  // Of engines and their configurations, which the heuristic fills in.
  int engine = -1;
  Descriptor* graph = nullptr;

  bool has(int attribute) const { return values.count(attribute) > 0; }
  template <class T>
  std::vector<T> all(int attribute) const {
    const auto found = values.find(attribute);
    if (found == values.end()) return {};
    std::vector<T> result(found->second.size() / sizeof(T));
    if (!result.empty()) std::memcpy(result.data(), found->second.data(), result.size() * sizeof(T));
    return result;
  }
  // The one element, or `otherwise` where it was not set.
  template <class T>
  T one(int attribute, T otherwise = T{}) const {
    const std::vector<T> found = all<T>(attribute);
    return found.empty() ? otherwise : found[0];
  }
  Descriptor* child(int attribute) const { return one<Descriptor*>(attribute, nullptr); }
};

// Says what is wrong with a descriptor that is to be finalized, or gives success.
struct CudnnVerdict {
  cudnnStatus_t status = CUDNN_STATUS_SUCCESS;
  std::string why;
};
CudnnVerdict check_descriptor(const Descriptor& descriptor);  // cudnn_rules.cc

// Whether the descriptor and all that it refers to still live.
bool all_alive(const Descriptor& descriptor);

// Keeps the text for cudnnGetLastErrorString. With `broken_rule` the fault is reported, too.
cudnnStatus_t cudnn_fail(const char* call, const CudnnVerdict& verdict, bool broken_rule = true);

// The device a handle was made on, or -1 where it is none, or was destroyed; and its stream.
int device_of_handle(cudnnHandle_t handle);
cudaStream_t stream_of_handle(cudnnHandle_t handle);

// ---- Operation graphs

struct ConvGeometry {
  int64_t batch, channels, height, width;       // of X
  int64_t out_channels, out_height, out_width;  // of Y
  int64_t kernel_height, kernel_width;
  int64_t stride[2], dilation[2], pad_before[2], pad_after[2];
};
ConvGeometry geometry_of(const Descriptor& convolution_operation);

// ---- Engines (cudnn_engines.cc)

// Engines that take the graph, best first, as a heuristic of that mode lists them.
std::vector<int> engines_for(const Descriptor& graph, cudnnBackendHeurMode_t mode);
std::vector<cudnnBackendNumericalNote_t> notes_of(int engine);
int64_t engine_workspace_bytes(int engine, const Descriptor& graph);

// ---- Execution (cudnn_execute.cc)

struct Binding {
  std::map<int64_t, void*> tensors;  // by unique id
  void* workspace = nullptr;
};
CudnnVerdict check_binding(const Descriptor& graph, int engine, const Binding& binding, int device);
// What it will read and write.
std::vector<Rows> rows_of(const Descriptor& graph, int engine, const Binding& binding);
void execute_graph(const Descriptor& graph, int engine, const Binding& binding);

}  // namespace assay::cuda_sim_vendor
