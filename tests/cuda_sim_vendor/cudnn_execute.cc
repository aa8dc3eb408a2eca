// SPDX-License-Identifier: Apache-2.0
// What a plan of the simulated cuDNN does: the convolution by its definition, then the pointwise operations.
#include <atomic>
#include <cmath>

#include "tests/cuda_sim_vendor/cudnn_descriptors.h"
#include "tests/cuda_sim_vendor/cudnn_engines.h"
#include "tests/cuda_sim_vendor/device_work.h"
#include "tests/cuda_sim_vendor/elements.h"

namespace assay::cuda_sim_vendor {
namespace {

std::atomic<int64_t> executions{0};

struct Tensor {
  float* data;
  std::vector<int64_t> sizes, strides;

  // Dimensions of size one are broadcast.
  float& at(int64_t n, int64_t c, int64_t h, int64_t w) const {
    const int64_t index[4] = {n, c, h, w};
    int64_t place = 0;
    for (int i = 0; i < 4; ++i) place += sizes[i] == 1 ? 0 : index[i] * strides[i];
    return data[place];
  }
};

Tensor tensor_of(const Descriptor& d, const Binding& binding) {
  const auto found = binding.tensors.find(d.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID));
  return {found == binding.tensors.end() ? nullptr : static_cast<float*>(found->second),
          d.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS), d.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES)};
}

size_t bytes_of(const Descriptor& d) {
  const std::vector<int64_t> sizes = d.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const std::vector<int64_t> strides = d.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) last += (sizes[i] - 1) * strides[i];
  return static_cast<size_t>(last + 1) * sizeof(float);
}

// Inputs and the output that are in memory; the output comes last.
std::vector<const Descriptor*> tensors_in_memory(const Descriptor& graph) {
  std::vector<const Descriptor*> tensors;
  const Descriptor* last = nullptr;
  for (const Descriptor* operation : graph.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
    if (operation->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR) {
      tensors.push_back(operation->child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X));
      tensors.push_back(operation->child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W));
      last = operation->child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
    } else {
      const Descriptor* b = operation->child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
      if (b != nullptr) tensors.push_back(b);
      last = operation->child(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
    }
  }
  tensors.push_back(last);
  return tensors;
}

// The rows of a tensor: elements with one index in the batch and one row of the grid, channels side by side.
void add_rows(const Descriptor& d, const Binding& binding, bool is_written, std::vector<Rows>* rows) {
  const Tensor t = tensor_of(d, binding);
  const auto last = static_cast<size_t>((t.sizes[3] - 1) * t.strides[3] + (t.sizes[1] - 1) * t.strides[1]);
  for (int64_t n = 0; n < t.sizes[0]; ++n) {
    rows->push_back({t.data + n * t.strides[0], (last + 1) * sizeof(float),
                     static_cast<size_t>(t.strides[2]) * sizeof(float), static_cast<size_t>(t.sizes[2]), is_written});
  }
}

float to_14_bits(float x) {
  if (!std::isfinite(x) || x == 0) return x;
  const int exponent = std::ilogb(x);
  return std::scalbn(std::nearbyint(std::scalbn(x, 13 - exponent)), exponent - 13);
}

// Sum over the channels of one tap of the kernel, from a channel on and round.
float sum_of_tap(const Tensor& x, const Tensor& w, const float* x_place, const float* w_place, int64_t first_channel,
                 InputRounding rounding) {
  float sum = 0;
  for (int64_t k = 0, c = first_channel; k < x.sizes[1]; ++k, c = c + 1 == x.sizes[1] ? 0 : c + 1) {
    sum += round_input(x_place[c * x.strides[1]], rounding) * round_input(w_place[c * w.strides[1]], rounding);
  }
  return sum;
}

// One element of the convolution of X with W.
float convolve(const ConvGeometry& g, const Tensor& x, const Tensor& w, int engine, int64_t execution, int64_t n,
               int64_t o, int64_t row, int64_t column) {
  const InputRounding rounding = engine == kTensorCore ? InputRounding::kTf32 : InputRounding::kNone;
  const int64_t first_channel = engine == kNondeterministic ? execution % g.channels : 0;
  float sum = 0;
  for (int64_t i = 0; i < g.kernel_height; ++i) {
    const int64_t h = row * g.stride[0] - g.pad_before[0] + i * g.dilation[0];
    if (h < 0 || h >= g.height) continue;
    for (int64_t j = 0; j < g.kernel_width; ++j) {
      const int64_t v = column * g.stride[1] - g.pad_before[1] + j * g.dilation[1];
      if (v < 0 || v >= g.width) continue;
      sum += sum_of_tap(x, w, &x.at(n, 0, h, v), &w.at(o, 0, i, j), first_channel, rounding);
    }
  }
  return engine == kWinograd ? to_14_bits(sum) : sum;
}

// A pointwise operation: adds b, or clips to 0 .. clip.
struct Step {
  bool adds;
  Tensor b;
  double clip;
};

std::vector<Step> steps_of(const std::vector<Descriptor*>& operations, const Binding& binding) {
  std::vector<Step> steps;
  for (size_t i = 1; i < operations.size(); ++i) {
    const Descriptor& mode = *operations[i]->child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const Descriptor* b = operations[i]->child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
    steps.push_back({b != nullptr, b == nullptr ? Tensor{} : tensor_of(*b, binding),
                     mode.one<double>(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, INFINITY)});
  }
  return steps;
}

float finish(const std::vector<Step>& steps, float value, int64_t n, int64_t c, int64_t h, int64_t w) {
  for (const Step& step : steps) {
    if (step.adds) {
      value += step.b.at(n, c, h, w);
    } else {
      value = value > 0 ? value : 0;  // of NaN, too: the library does not promise to keep it
      if (value > step.clip) value = static_cast<float>(step.clip);
    }
  }
  return value;
}

CudnnVerdict check_tensor_memory(const Descriptor& tensor, const Binding& binding, int device) {
  const int64_t id = tensor.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
  const std::string name = "the tensor with unique id " + std::to_string(id);
  const auto found = binding.tensors.find(id);
  if (found == binding.tensors.end()) return {CUDNN_STATUS_BAD_PARAM, name + " is not in the variant pack"};
  if (found->second == nullptr) return {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, name + " is null"};
  const int64_t alignment = tensor.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  if (reinterpret_cast<uintptr_t>(found->second) % static_cast<uintptr_t>(alignment) != 0) {
    return {CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, name + " is not aligned to " + std::to_string(alignment)};
  }
  std::string why;
  if (!is_device_memory(found->second, bytes_of(tensor), device, &why)) {
    return {CUDNN_STATUS_EXECUTION_FAILED, name + ": " + why};
  }
  return {};
}

}  // namespace

CudnnVerdict check_binding(const Descriptor& graph, int engine, const Binding& binding, int device) {
  const std::vector<const Descriptor*> tensors = tensors_in_memory(graph);
  for (const Descriptor* tensor : tensors) {
    const CudnnVerdict verdict = check_tensor_memory(*tensor, binding, device);
    if (verdict.status != CUDNN_STATUS_SUCCESS) return verdict;
  }
  const auto begin = [&](const Descriptor* t) { return reinterpret_cast<uintptr_t>(tensor_of(*t, binding).data); };
  for (size_t i = 0; i + 1 < tensors.size(); ++i) {
    const uintptr_t x = begin(tensors[i]), y = begin(tensors.back());
    if (x < y + bytes_of(*tensors.back()) && y < x + bytes_of(*tensors[i])) {
      return {CUDNN_STATUS_BAD_PARAM, "the output overlaps an input"};
    }
  }
  const auto needed = static_cast<size_t>(engine_workspace_bytes(engine, graph));
  if (needed == 0) return {};
  if (binding.workspace == nullptr) return {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the plan needs a workspace"};
  std::string why;
  if (!is_device_memory(binding.workspace, needed, device, &why)) {
    return {CUDNN_STATUS_EXECUTION_FAILED, "the workspace: " + why};
  }
  return {};
}

std::vector<Rows> rows_of(const Descriptor& graph, int engine, const Binding& binding) {
  std::vector<Rows> rows;
  const std::vector<const Descriptor*> tensors = tensors_in_memory(graph);
  const Descriptor& convolution = *graph.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS)[0];
  const bool reads_output = convolution.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA) != 0;
  for (const Descriptor* tensor : tensors) {
    if (tensor != tensors.back() || reads_output) add_rows(*tensor, binding, false, &rows);
  }
  const auto workspace = static_cast<size_t>(engine_workspace_bytes(engine, graph));
  if (workspace > 0) rows.push_back({binding.workspace, workspace, workspace, 1, true});
  add_rows(*tensors.back(), binding, true, &rows);
  return rows;
}

void execute_graph(const Descriptor& graph, int engine, const Binding& binding) {
  const int64_t execution = ++executions;
  const size_t workspace = static_cast<size_t>(engine_workspace_bytes(engine, graph));
  if (workspace > 0) std::memset(binding.workspace, 0xff, workspace);  // what it held is gone
  const std::vector<Descriptor*> operations = graph.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const Descriptor& convolution = *operations[0];
  const ConvGeometry g = geometry_of(convolution);
  const Tensor x = tensor_of(*convolution.child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X), binding);
  const Tensor w = tensor_of(*convolution.child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W), binding);
  const Tensor y = tensor_of(*tensors_in_memory(graph).back(), binding);
  const float alpha = convolution.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA);
  const float beta = convolution.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA);
  const std::vector<Step> steps = steps_of(operations, binding);
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t row = 0; row < g.out_height; ++row) {
      for (int64_t column = 0; column < g.out_width; ++column) {
        for (int64_t o = 0; o < g.out_channels; ++o) {
          float value = alpha * convolve(g, x, w, engine, execution, n, o, row, column);
          float& place = y.at(n, o, row, column);
          if (beta != 0) value += beta * place;
          place = finish(steps, value, n, o, row, column);
        }
      }
    }
  }
}

}  // namespace assay::cuda_sim_vendor
