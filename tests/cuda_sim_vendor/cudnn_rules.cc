// SPDX-License-Identifier: Apache-2.0
// When a descriptor of the simulated cuDNN may be finalized: what must be set, and what must fit together.
#include <set>

#include "tests/cuda_sim_vendor/cudnn_descriptors.h"

namespace assay::cuda_sim_vendor {
namespace {

CudnnVerdict bad(const std::string& why) { return {CUDNN_STATUS_BAD_PARAM, why}; }

CudnnVerdict require(const Descriptor& d, std::initializer_list<int> attributes) {
  for (const int attribute : attributes) {
    if (!d.has(attribute)) return bad("attribute " + std::to_string(attribute) + " is missing");
  }
  return {};
}

bool has_type(const Descriptor* d, cudnnBackendDescriptorType_t type) { return d != nullptr && d->type == type; }

bool is_float(const Descriptor& d, int attribute) {
  return d.one<cudnnDataType_t>(attribute, CUDNN_DATA_DOUBLE) == CUDNN_DATA_FLOAT;
}

CudnnVerdict check_tensor(const Descriptor& d) {
  const CudnnVerdict set =
      require(d, {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_ATTR_TENSOR_STRIDES,
                  CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  if (!is_float(d, CUDNN_ATTR_TENSOR_DATA_TYPE)) {
    return {CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "only float tensors are simulated"};
  }
  const std::vector<int64_t> sizes = d.all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const std::vector<int64_t> strides = d.all<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  if (sizes.size() != strides.size()) return bad("as many strides as dimensions are needed");
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < 1 || strides[i] < 1) return bad("a dimension or stride below one");
  }
  if (sizes.size() != 4) return {CUDNN_STATUS_NOT_SUPPORTED_SHAPE, "only tensors of four dimensions are simulated"};
  const int64_t alignment = d.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
  if (alignment < 1 || alignment % 4 != 0) return bad("the alignment is no multiple of the element's size");
  return {};
}

CudnnVerdict check_convolution(const Descriptor& d) {
  const CudnnVerdict set = require(
      d, {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS,
          CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS,
          CUDNN_ATTR_CONVOLUTION_POST_PADDINGS});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  if (!is_float(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE)) return {CUDNN_STATUS_NOT_SUPPORTED, "the compute type"};
  if (d.one<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS) != 2) {
    return {CUDNN_STATUS_NOT_SUPPORTED, "only two spatial dimensions are simulated"};
  }
  if (d.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE) != CUDNN_CROSS_CORRELATION) {
    return {CUDNN_STATUS_NOT_SUPPORTED, "a flipped kernel is not simulated"};
  }
  for (const int attribute : {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES,
                              CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS}) {
    if (d.all<int64_t>(attribute).size() != 2) return bad("two values are needed for each spatial attribute");
  }
  for (const int attribute : {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES}) {
    for (const int64_t value : d.all<int64_t>(attribute)) {
      if (value < 1) return bad("a stride or dilation below one");
    }
  }
  return {};
}

CudnnVerdict check_convolution_operation(const Descriptor& d) {
  const CudnnVerdict set =
      require(d, {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                  CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                  CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  if (!has_type(d.child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC), CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR)) {
    return bad("the convolution's descriptor is of another type");
  }
  for (const int attribute : {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y}) {
    if (!has_type(d.child(attribute), CUDNN_BACKEND_TENSOR_DESCRIPTOR)) return bad("X, W or Y is no tensor");
  }
  const ConvGeometry g = geometry_of(d);
  const std::vector<int64_t> w =
      d.child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W)->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const std::vector<int64_t> y =
      d.child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y)->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  if (y[0] != g.batch) return bad("X and Y have different batches");
  if (w[0] != g.out_channels) return bad("W and Y have different output channels");
  if (w[1] != g.channels) {
    if (g.channels % w[1] == 0) return {CUDNN_STATUS_NOT_SUPPORTED, "groups are not simulated"};
    return bad("X and W have different input channels");
  }
  const int64_t sizes[2][3] = {{g.height, g.kernel_height, g.out_height}, {g.width, g.kernel_width, g.out_width}};
  for (int i = 0; i < 2; ++i) {
    const int64_t reach = g.dilation[i] * (sizes[i][1] - 1) + 1;
    const int64_t padded = sizes[i][0] + g.pad_before[i] + g.pad_after[i];
    if (padded < reach || (padded - reach) / g.stride[i] + 1 != sizes[i][2]) {
      return bad("spatial dimension " + std::to_string(i) + " of Y is " + std::to_string(sizes[i][2]) +
                 ", which X, W, strides and paddings do not give");
    }
  }
  return {};
}

CudnnVerdict check_pointwise(const Descriptor& d) {
  const CudnnVerdict set = require(d, {CUDNN_ATTR_POINTWISE_MODE, CUDNN_ATTR_POINTWISE_MATH_PREC});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  const auto mode = d.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
  if (mode != CUDNN_POINTWISE_ADD && mode != CUDNN_POINTWISE_RELU_FWD) {
    return {CUDNN_STATUS_NOT_SUPPORTED, "only addition and ReLU are simulated"};
  }
  return {};
}

CudnnVerdict check_pointwise_operation(const Descriptor& d) {
  const CudnnVerdict set = require(d, {CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR,
                                       CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_ATTR_OPERATION_POINTWISE_YDESC});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  const Descriptor* mode = d.child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
  if (!has_type(mode, CUDNN_BACKEND_POINTWISE_DESCRIPTOR)) return bad("the mode's descriptor is of another type");
  const bool adds = mode->one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_ADD;
  if (adds != d.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC))
    return bad("a second input where there should be none, or none");
  const Descriptor* x = d.child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC);
  const Descriptor* y = d.child(CUDNN_ATTR_OPERATION_POINTWISE_YDESC);
  const Descriptor* b = adds ? d.child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC) : x;
  for (const Descriptor* tensor : {x, y, b}) {
    if (!has_type(tensor, CUDNN_BACKEND_TENSOR_DESCRIPTOR)) return bad("X, B or Y is no tensor");
  }
  const std::vector<int64_t> sizes = y->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const std::vector<int64_t> b_sizes = b->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  if (x->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS) != sizes) return bad("X and Y have different dimensions");
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (b_sizes[i] != sizes[i] && b_sizes[i] != 1) return bad("B can't be broadcast to Y");
  }
  return {};
}

// The operations must be a chain from one convolution: each takes what the one before made.
CudnnVerdict check_graph(const Descriptor& d) {
  const std::vector<Descriptor*> operations = d.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  if (operations.empty()) return bad("a graph without operations");
  const cudnnHandle_t handle = d.one<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, nullptr);
  if (device_of_handle(handle) < 0) return bad("the graph's handle is null or destroyed");
  const Descriptor* last = nullptr;
  std::map<int64_t, const Descriptor*> tensors;
  for (const Descriptor* operation : operations) {
    const bool first = last == nullptr;
    if (!has_type(operation, first ? CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR
                                   : CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)) {
      return {CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "a convolution, then pointwise operations, is simulated"};
    }
    const Descriptor* x = operation->child(first ? static_cast<int>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X)
                                                 : static_cast<int>(CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    const Descriptor* other = operation->child(first ? static_cast<int>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W)
                                                     : static_cast<int>(CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
    if (!first && x != last) return {CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "the operations are no chain"};
    last = operation->child(first ? static_cast<int>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y)
                                  : static_cast<int>(CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
    for (const Descriptor* tensor : {x, other, last}) {
      if (tensor == nullptr) continue;
      const Descriptor*& known = tensors[tensor->one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID)];
      if (known != nullptr && known != tensor) return bad("two tensors have one unique id");
      known = tensor;
    }
    const bool is_virtual = last->one<uint8_t>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, 0) != 0;
    if (first && is_virtual && operation->one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA) != 0) {
      return bad("beta, where the convolution's result is not in memory");
    }
    if (is_virtual == (operation == operations.back()))
      return bad("all tensors between operations must be virtual, and only they");
  }
  return {};
}

CudnnVerdict check_heuristic(const Descriptor& d) {
  const CudnnVerdict set = require(d, {CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  const Descriptor* graph = d.child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  if (!has_type(graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR))
    return bad("the graph's descriptor is of another type");
  if (engines_for(*graph, d.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE)).empty()) {
    return {CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "no engine takes the graph"};
  }
  return {};
}

CudnnVerdict check_plan(const Descriptor& d) {
  const CudnnVerdict set = require(d, {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_ATTR_EXECUTION_PLAN_HANDLE});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  const Descriptor* configuration = d.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  if (!has_type(configuration, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR)) return bad("the configuration is of another type");
  const int device = device_of_handle(d.one<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE));
  if (device < 0) return bad("the plan's handle is null or destroyed");
  if (device != device_of_handle(configuration->graph->one<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE))) {
    return bad("the plan's handle and its graph's are of different devices");
  }
  return {};
}

CudnnVerdict check_pack(const Descriptor& d) {
  const CudnnVerdict set = require(d, {CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS});
  if (set.status != CUDNN_STATUS_SUCCESS) return set;
  const std::vector<int64_t> ids = d.all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  if (ids.size() != d.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).size()) {
    return bad("as many pointers as unique ids are needed");
  }
  if (std::set<int64_t>(ids.begin(), ids.end()).size() != ids.size()) return bad("a unique id stands there twice");
  return {};
}

}  // namespace

ConvGeometry geometry_of(const Descriptor& d) {
  const auto sizes = [&](int attribute) { return d.child(attribute)->all<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS); };
  const std::vector<int64_t> x = sizes(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X),
                             w = sizes(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W),
                             y = sizes(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y);
  ConvGeometry g = {x[0], x[1], x[2], x[3], y[1], y[2], y[3], w[2], w[3], {}, {}, {}, {}};
  const Descriptor& convolution = *d.child(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
  for (int i = 0; i < 2; ++i) {
    g.stride[i] = convolution.all<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES)[i];
    g.dilation[i] = convolution.all<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS)[i];
    g.pad_before[i] = convolution.all<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS)[i];
    g.pad_after[i] = convolution.all<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS)[i];
  }
  return g;
}

CudnnVerdict check_descriptor(const Descriptor& d) {
  switch (d.type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
      return check_tensor(d);
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
      return check_convolution(d);
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return check_convolution_operation(d);
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
      return check_pointwise(d);
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
      return check_pointwise_operation(d);
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
      return check_graph(d);
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
      return check_heuristic(d);
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
      return check_plan(d);
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
      return check_pack(d);
    default:
      return bad("a descriptor that the heuristic fills in");
  }
}

}  // namespace assay::cuda_sim_vendor
