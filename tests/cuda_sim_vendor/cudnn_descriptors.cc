// SPDX-License-Identifier: Apache-2.0
// Handles and descriptors of the simulated cuDNN: which attributes there are, and the calls that set and read them.
#include "tests/cuda_sim_vendor/cudnn_descriptors.h"

#include <algorithm>
#include <mutex>
#include <set>

// The library's context, opaque in its header.
struct cudnnContext {
  int device;
  cudaStream_t stream;
};

namespace assay::cuda_sim_vendor {
namespace {

thread_local std::string last_error;
std::mutex mutex;

// What lives. Never destroyed: a program's own destructors may still use it. What is destroyed keeps its memory, so
// that nothing else gets its address.
std::set<cudnnHandle_t>& handles() {
  static auto* all = new std::set<cudnnHandle_t>;
  return *all;
}
std::set<const void*>& descriptors() {
  static auto* all = new std::set<const void*>;
  return *all;
}

struct Attribute {
  int name;
  cudnnBackendAttributeType_t type;
  int64_t max_count;
};

const std::vector<Attribute>& attributes_of(cudnnBackendDescriptorType_t type) {
  static const std::map<cudnnBackendDescriptorType_t, std::vector<Attribute>> all = {
      {CUDNN_BACKEND_TENSOR_DESCRIPTOR,
       {{CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, CUDNN_DIM_MAX},
        {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, CUDNN_DIM_MAX},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1},
        {CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1}}},
      {CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR,
       {{CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1},
        {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1},
        {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1},
        {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, CUDNN_DIM_MAX},
        {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, CUDNN_DIM_MAX},
        {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, CUDNN_DIM_MAX},
        {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, CUDNN_DIM_MAX}}},
      {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
        {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}},
      {CUDNN_BACKEND_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1},
        {CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1},
        {CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1}}},
      {CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
        {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
        {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1},
        {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}},
      {CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR,
       {{CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1},
        {CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 64}}},
      {CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR,
       {{CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1},
        {CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}},
      {CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, {}},
      {CUDNN_BACKEND_ENGINE_DESCRIPTOR, {}},
      {CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR,
       {{CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1},
        {CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1}}},
      {CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
       {{CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 64},
        {CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 64},
        {CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1}}},
  };
  static const std::vector<Attribute> none;
  const auto found = all.find(type);
  return found == all.end() ? none : found->second;
}

size_t value_bytes(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    default:  // enumerations, and float
      return 4;
  }
}

Descriptor* living(cudnnBackendDescriptor_t descriptor) {
  const std::lock_guard<std::mutex> lock(mutex);
  return descriptors().count(descriptor) > 0 ? static_cast<Descriptor*>(descriptor) : nullptr;
}

// One value, `count` times, for the caller.
cudnnStatus_t give(const char* call, const void* values, size_t bytes_each, int64_t available, int64_t requested,
                   int64_t* count, void* array) {
  if (count != nullptr) *count = available;
  if (requested == 0) return CUDNN_STATUS_SUCCESS;
  if (array == nullptr) return cudnn_fail(call, {CUDNN_STATUS_BAD_PARAM, "no place for the values"});
  const int64_t given = std::min(requested, available);
  if (count != nullptr) *count = given;
  if (given > 0) std::memcpy(array, values, bytes_each * static_cast<size_t>(given));
  return CUDNN_STATUS_SUCCESS;
}

// Makes an unfinished descriptor of the caller's an engine, or its configuration.
cudnnStatus_t fill(const char* call, cudnnBackendDescriptor_t to, cudnnBackendDescriptorType_t type, int engine,
                   Descriptor* graph) {
  Descriptor* d = living(to);
  if (d == nullptr || d->type != type || d->finalized) {
    return cudnn_fail(call, {CUDNN_STATUS_BAD_PARAM, "the place for a result is no unfinished descriptor of its type"});
  }
  d->engine = engine;
  d->graph = graph;
  d->finalized = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t get_engine_configurations(const char* call, const Descriptor& heuristic, int64_t requested,
                                        int64_t* count, void* array) {
  Descriptor* graph = heuristic.child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  const std::vector<int> engines =
      engines_for(*graph, heuristic.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE));
  const int64_t given = requested == 0 ? static_cast<int64_t>(engines.size())
                                       : std::min<int64_t>(requested, static_cast<int64_t>(engines.size()));
  if (count != nullptr) *count = given;
  if (requested == 0) return CUDNN_STATUS_SUCCESS;
  for (int64_t i = 0; i < given; ++i) {
    const cudnnStatus_t status = fill(call, static_cast<cudnnBackendDescriptor_t*>(array)[i],
                                      CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, engines[i], graph);
    if (status != CUDNN_STATUS_SUCCESS) return status;
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

cudnnStatus_t cudnn_fail(const char* call, const CudnnVerdict& verdict, bool broken_rule) {
  last_error = verdict.why;
  if (broken_rule) report(std::string(call) + ": " + verdict.why);
  return verdict.status;
}

int device_of_handle(cudnnHandle_t handle) {
  const std::lock_guard<std::mutex> lock(mutex);
  return handles().count(handle) > 0 ? handle->device : -1;
}

cudaStream_t stream_of_handle(cudnnHandle_t handle) {
  const std::lock_guard<std::mutex> lock(mutex);
  return handle->stream;
}

bool all_alive(const Descriptor& descriptor) {
  if (!descriptor.alive || (descriptor.graph != nullptr && !all_alive(*descriptor.graph))) return false;
  for (const Attribute& attribute : attributes_of(descriptor.type)) {
    if (attribute.type != CUDNN_TYPE_BACKEND_DESCRIPTOR) continue;
    for (const Descriptor* child : descriptor.all<Descriptor*>(attribute.name)) {
      if (!all_alive(*child)) return false;
    }
  }
  return true;
}

}  // namespace assay::cuda_sim_vendor

using namespace assay::cuda_sim_vendor;  // NOLINT: below are the library's own functions, outside any namespace

extern "C" {

size_t cudnnGetVersion() { return CUDNN_VERSION; }

const char* cudnnGetErrorString(cudnnStatus_t status) {
  switch (CUDNN_STATUS_CATEGORY(status)) {
    case CUDNN_STATUS_SUCCESS:
      return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_BAD_PARAM:
      return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED:
      return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED:
      return "CUDNN_STATUS_EXECUTION_FAILED";
    default:
      return status == CUDNN_STATUS_NOT_INITIALIZED ? "CUDNN_STATUS_NOT_INITIALIZED" : "CUDNN_STATUS_INTERNAL_ERROR";
  }
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  if (max_size == 0) return;
  const size_t length = std::min(last_error.size(), max_size - 1);
  std::memcpy(message, last_error.data(), length);
  message[length] = '\0';
  last_error.clear();
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  if (handle == nullptr) return cudnn_fail("cudnnCreate", {CUDNN_STATUS_BAD_PARAM, "no place for the handle"});
  const int device = current_device();
  if (device < 0) return CUDNN_STATUS_NOT_INITIALIZED;
  *handle = new cudnnContext{device, nullptr};
  const std::lock_guard<std::mutex> lock(mutex);
  handles().insert(*handle);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (handles().erase(handle) > 0) return CUDNN_STATUS_SUCCESS;
  return cudnn_fail("cudnnDestroy", {CUDNN_STATUS_BAD_PARAM, "no handle, or one destroyed already"});
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (handles().count(handle) == 0) {
    return cudnn_fail("cudnnSetStream", {CUDNN_STATUS_BAD_PARAM, "no handle, or one destroyed already"});
  }
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor) {
  if (descriptor == nullptr) {
    return cudnn_fail("cudnnBackendCreateDescriptor", {CUDNN_STATUS_BAD_PARAM, "no place for the descriptor"});
  }
  if (attributes_of(type).empty() && type != CUDNN_BACKEND_ENGINECFG_DESCRIPTOR &&
      type != CUDNN_BACKEND_ENGINE_DESCRIPTOR) {
    return cudnn_fail("cudnnBackendCreateDescriptor", {CUDNN_STATUS_NOT_SUPPORTED, "this type is not simulated"});
  }
  auto* made = new Descriptor;
  made->type = type;
  *descriptor = made;
  const std::lock_guard<std::mutex> lock(mutex);
  descriptors().insert(made);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  Descriptor* d = living(descriptor);
  if (d == nullptr) {
    return cudnn_fail("cudnnBackendDestroyDescriptor",
                      {CUDNN_STATUS_BAD_PARAM, "no descriptor, or one destroyed already"});
  }
  d->alive = false;
  const std::lock_guard<std::mutex> lock(mutex);
  descriptors().erase(descriptor);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count, const void* array) {
  constexpr const char* kCall = "cudnnBackendSetAttribute";
  Descriptor* d = living(descriptor);
  if (d == nullptr) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "no descriptor, or one destroyed already"});
  if (d->finalized) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the descriptor is finalized"});
  const std::vector<Attribute>& known = attributes_of(d->type);
  const auto found = std::find_if(known.begin(), known.end(), [&](const Attribute& a) { return a.name == name; });
  if (found == known.end()) {
    return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the descriptor has no such attribute, or it is not simulated"});
  }
  if (found->type != type) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "the attribute's type"});
  if (array == nullptr) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the values are null"});
  if (count < 1 || count > found->max_count) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the number of values"});
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    for (int64_t i = 0; i < count; ++i) {
      const Descriptor* child = living(static_cast<const cudnnBackendDescriptor_t*>(array)[i]);
      if (child == nullptr) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "a value is no living descriptor"});
      if (!child->finalized)
        return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "a value is not finalized"});
    }
  }
  const auto* bytes = static_cast<const unsigned char*>(array);
  d->values[name].assign(bytes, bytes + value_bytes(type) * static_cast<size_t>(count));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  constexpr const char* kCall = "cudnnBackendFinalize";
  Descriptor* d = living(descriptor);
  if (d == nullptr) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "no descriptor, or one destroyed already"});
  if (d->finalized) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the descriptor is finalized already"});
  if (!all_alive(*d)) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "it refers to a destroyed descriptor"});
  const CudnnVerdict verdict = check_descriptor(*d);
  // What is merely not supported may be asked for: the answer is the status.
  if (verdict.status != CUDNN_STATUS_SUCCESS) {
    return cudnn_fail(kCall, verdict, CUDNN_STATUS_CATEGORY(verdict.status) != CUDNN_STATUS_NOT_SUPPORTED);
  }
  d->finalized = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested, int64_t* count,
                                       void* array) {
  constexpr const char* kCall = "cudnnBackendGetAttribute";
  Descriptor* d = living(descriptor);
  if (d == nullptr) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "no descriptor, or one destroyed already"});
  if (!d->finalized) return cudnn_fail(kCall, {CUDNN_STATUS_NOT_INITIALIZED, "the descriptor is not finalized"});
  const auto is = [&](cudnnBackendDescriptorType_t of, cudnnBackendAttributeName_t asked) {
    return d->type == of && name == asked;
  };
  if (is(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, CUDNN_ATTR_ENGINEHEUR_RESULTS)) {
    return get_engine_configurations(kCall, *d, requested, count, array);
  }
  if (is(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, CUDNN_ATTR_ENGINECFG_ENGINE)) {
    if (requested < 1 || array == nullptr) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "no place for an engine"});
    if (count != nullptr) *count = 1;
    return fill(kCall, *static_cast<cudnnBackendDescriptor_t*>(array), CUDNN_BACKEND_ENGINE_DESCRIPTOR, d->engine,
                d->graph);
  }
  if (is(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE)) {
    const std::vector<cudnnBackendNumericalNote_t> notes = notes_of(d->engine);
    return give(kCall, notes.data(), sizeof notes[0], static_cast<int64_t>(notes.size()), requested, count, array);
  }
  if (is(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)) {
    const Descriptor* configuration = d->child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    const int64_t bytes = engine_workspace_bytes(configuration->engine, *configuration->graph);
    return give(kCall, &bytes, sizeof bytes, 1, requested, count, array);
  }
  if (is(CUDNN_BACKEND_ENGINE_DESCRIPTOR, CUDNN_ATTR_ENGINE_GLOBAL_INDEX)) {
    const int64_t index = d->engine;
    return give(kCall, &index, sizeof index, 1, requested, count, array);
  }
  const auto found = d->values.find(name);
  if (found == d->values.end()) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "no such attribute was set"});
  const size_t bytes = value_bytes(type);
  return give(kCall, found->second.data(), bytes, static_cast<int64_t>(found->second.size() / bytes), requested, count,
              array);
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
  constexpr const char* kCall = "cudnnBackendExecute";
  const int device = device_of_handle(handle);
  if (device < 0) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the handle is null or destroyed"});
  if (device != current_device()) {
    return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the handle is of device " + std::to_string(device) +
                                                          ", the thread is on " + std::to_string(current_device())});
  }
  const Descriptor* p = living(plan);
  const Descriptor* v = living(pack);
  if (p == nullptr || p->type != CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR || !p->finalized || v == nullptr ||
      v->type != CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR || !v->finalized) {
    return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "no finalized plan, or no finalized variant pack"});
  }
  if (!all_alive(*p)) return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the plan refers to a destroyed descriptor"});
  if (device_of_handle(p->one<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE)) != device) {
    return cudnn_fail(kCall, {CUDNN_STATUS_BAD_PARAM, "the plan was made for another device"});
  }
  const Descriptor* configuration = p->child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  Binding binding;
  const std::vector<int64_t> ids = v->all<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const std::vector<void*> pointers = v->all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  for (size_t i = 0; i < ids.size(); ++i) binding.tensors[ids[i]] = pointers[i];
  binding.workspace = v->one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr);
  const int engine = configuration->engine;
  const Descriptor* graph = configuration->graph;
  const CudnnVerdict verdict = check_binding(*graph, engine, binding, device);
  if (verdict.status != CUDNN_STATUS_SUCCESS) return cudnn_fail(kCall, verdict);
  const cudaError_t error = enqueue(kCall, stream_of_handle(handle), rows_of(*graph, engine, binding),
                                    [graph, engine, binding] { execute_graph(*graph, engine, binding); });
  if (error == cudaSuccess) return CUDNN_STATUS_SUCCESS;
  if (error != cudaErrorInvalidResourceHandle) return CUDNN_STATUS_EXECUTION_FAILED_CUDART;  // the device is broken
  return cudnn_fail(kCall, {CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the stream is none, or of another device"});
}

}  // extern "C"
