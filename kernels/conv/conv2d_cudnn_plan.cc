// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv2d_cudnn_plan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/base/cuda_check.h"

namespace assay::kernels {
namespace {

// The largest power of two, up to 16, that an address is a multiple of.
int64_t alignment_of(const void* data) {
  int64_t alignment = 16;
  while (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(alignment) != 0) alignment /= 2;
  return alignment;
}

bool adds_to_y(const Conv2dArgs& args) { return args.residual != nullptr && args.residual == args.y; }

// Rows (or columns) of x that the output reaches, and zeros behind them.
struct Reach {
  int64_t size, pad_after;
};
Reach reach(int64_t size, int64_t out_size, int64_t kernel, int64_t stride, int64_t pad_before) {
  const int64_t needed = (out_size - 1) * stride + kernel - pad_before;
  return {std::min(size, needed), std::max<int64_t>(0, needed - size)};
}

// Engines whose results are those of float32 sums in one fixed order.
bool is_exact(const std::vector<cudnnBackendNumericalNote_t>& notes) {
  return std::all_of(notes.begin(), notes.end(),
                     [](cudnnBackendNumericalNote_t note) { return note == CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP; });
}

}  // namespace

void check_cudnn(cudnnStatus_t status, const char* call, const Conv2dArgs& args) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char message[512] = "";
  cudnnGetLastErrorString(message, sizeof message);
  throw Error(text("conv2d: ", call, " of (", args.batch, ", ", args.height, ", ", args.width, ", ", args.channels,
                   ") with a kernel of ", args.kernel_height, " x ", args.kernel_width, ", stride ", args.stride,
                   ", to (", args.batch, ", ", args.out_height, ", ", args.out_width, ", ", args.out_channels, "): ",
                   cudnnGetErrorString(status), " (", static_cast<int>(status), "): ", message, cuda_error_beside()));
}

std::vector<int64_t> conv_plan_key(const Conv2dArgs& args, int64_t max_workspace_bytes) {
  return {args.batch,
          args.height,
          args.width,
          args.channels,
          args.out_height,
          args.out_width,
          args.out_channels,
          args.kernel_height,
          args.kernel_width,
          args.stride,
          args.pad_top,
          args.pad_left,
          args.residual == nullptr ? 0
          : adds_to_y(args)        ? 1
                                   : 2,
          alignment_of(args.x),
          alignment_of(args.weight),
          alignment_of(args.bias),
          alignment_of(args.residual),
          alignment_of(args.y),
          max_workspace_bytes};
}

// ---- Building

// Makes descriptors, and keeps them where the plan keeps them.
class ConvPlan::Builder {
 public:
  Builder(const Conv2dArgs& args, const CudnnTarget& target, std::vector<cudnnBackendDescriptor_t>* descriptors)
      : args_(args), target_(target), descriptors_(*descriptors) {}

  struct Candidate {
    cudnnBackendDescriptor_t plan;
    int64_t workspace_bytes, engine;
    bool is_generic;  // cuDNN's slow engine, which takes everything
  };

  // The best exact plan for the graph; nothing where cuDNN has none that fits.
  std::optional<Candidate> best(bool fused, int64_t max_workspace_bytes) {
    const cudnnBackendDescriptor_t graph = make_graph(fused);
    for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      for (const cudnnBackendDescriptor_t configuration : engine_configurations(graph, mode)) {
        const std::optional<Candidate> found = candidate(configuration, max_workspace_bytes);
        if (found) return found;
      }
    }
    return std::nullopt;
  }

 private:
  void check(cudnnStatus_t status, const char* call) const { check_cudnn(status, call, args_); }

  cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t type) {
    cudnnBackendDescriptor_t descriptor = nullptr;
    check(cudnnBackendCreateDescriptor(type, &descriptor), "cudnnBackendCreateDescriptor");
    descriptors_.push_back(descriptor);
    return descriptor;
  }
  void set(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
           int64_t count, const void* values) const {
    check(cudnnBackendSetAttribute(descriptor, name, type, count, values), "cudnnBackendSetAttribute");
  }
  void set(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
           const std::vector<int64_t>& values) const {
    set(descriptor, name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
  }
  void set(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
           cudnnBackendDescriptor_t value) const {
    set(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
  }
  void set_float(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name) const {
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    set(descriptor, name, CUDNN_TYPE_DATA_TYPE, 1, &type);
  }
  cudnnBackendDescriptor_t finalized(cudnnBackendDescriptor_t descriptor) const {
    check(cudnnBackendFinalize(descriptor), "cudnnBackendFinalize");
    return descriptor;
  }
  // Where a descriptor says what it is for; graphs are told by a handle alone.
  void set_target(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t handle_name,
                  cudnnBackendAttributeName_t properties_name) const {
    if (target_.handle != nullptr) {
      set(descriptor, handle_name, CUDNN_TYPE_HANDLE, 1, &target_.handle);
    } else {
      set(descriptor, properties_name, target_.device_properties);
    }
  }

  // Sizes and strides as cuDNN orders them: N, C, H, W. `data` null: between two operations, never in memory.
  cudnnBackendDescriptor_t make_tensor(ConvTensor id, const std::vector<int64_t>& sizes,
                                       const std::vector<int64_t>& strides, const void* data) {
    const cudnnBackendDescriptor_t tensor = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    set(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, sizes);
    set(tensor, CUDNN_ATTR_TENSOR_STRIDES, strides);
    set(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, {static_cast<int64_t>(id)});
    set(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {alignment_of(data)});
    set_float(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE);
    const bool is_virtual = data == nullptr;
    if (is_virtual) set(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
    return finalized(tensor);
  }
  cudnnBackendDescriptor_t make_output(ConvTensor id, const void* data) {
    const int64_t h = args_.out_height, w = args_.out_width, c = args_.out_channels;
    return make_tensor(id, {args_.batch, c, h, w}, {h * w * c, 1, w * c, c}, data);
  }

  cudnnBackendDescriptor_t make_convolution(cudnnBackendDescriptor_t y) {
    const int64_t c = args_.channels, kh = args_.kernel_height, kw = args_.kernel_width;
    const Reach rows = reach(args_.height, args_.out_height, kh, args_.stride, args_.pad_top);
    const Reach columns = reach(args_.width, args_.out_width, kw, args_.stride, args_.pad_left);
    const cudnnBackendDescriptor_t geometry = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    set_float(geometry, CUDNN_ATTR_CONVOLUTION_COMP_TYPE);
    set(geometry, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
    set(geometry, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2});
    set(geometry, CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1});
    set(geometry, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {args_.stride, args_.stride});
    set(geometry, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {args_.pad_top, args_.pad_left});
    set(geometry, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {rows.pad_after, columns.pad_after});
    finalized(geometry);

    const cudnnBackendDescriptor_t operation = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    const float alpha = 1, beta = adds_to_y(args_) ? 1 : 0;
    set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, geometry);
    set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
        make_tensor(ConvTensor::kX, {args_.batch, c, rows.size, columns.size},
                    {args_.height * args_.width * c, 1, args_.width * c, c}, args_.x));
    set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
        make_tensor(ConvTensor::kWeight, {args_.out_channels, c, kh, kw}, {kh * kw * c, 1, kw * c, c}, args_.weight));
    set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &alpha);
    set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &beta);
    return finalized(operation);
  }

  cudnnBackendDescriptor_t make_addition(cudnnBackendDescriptor_t x, cudnnBackendDescriptor_t b,
                                         cudnnBackendDescriptor_t y) {
    const cudnnBackendDescriptor_t mode = make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    const cudnnPointwiseMode_t add = CUDNN_POINTWISE_ADD;
    set(mode, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &add);
    set_float(mode, CUDNN_ATTR_POINTWISE_MATH_PREC);
    finalized(mode);
    const cudnnBackendDescriptor_t operation = make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    set(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, mode);
    set(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    set(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
    set(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    return finalized(operation);
  }

  cudnnBackendDescriptor_t make_graph(bool fused) {
    const cudnnBackendDescriptor_t y = make_output(ConvTensor::kY, args_.y);
    std::vector<cudnnBackendDescriptor_t> operations;
    if (fused) {
      cudnnBackendDescriptor_t sum = make_output(ConvTensor::kProduct, nullptr);
      operations.push_back(make_convolution(sum));
      if (args_.residual != nullptr) {
        const cudnnBackendDescriptor_t product = sum;
        sum = make_output(ConvTensor::kSum, nullptr);
        operations.push_back(make_addition(product, make_output(ConvTensor::kResidual, args_.residual), sum));
      }
      const int64_t o = args_.out_channels;
      operations.push_back(
          make_addition(sum, make_tensor(ConvTensor::kBias, {1, o, 1, 1}, {o, 1, o, o}, args_.bias), y));
    } else {
      operations.push_back(make_convolution(y));
    }
    const cudnnBackendDescriptor_t graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (target_.handle != nullptr) {
      set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &target_.handle);
    }
    set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<int64_t>(operations.size()),
        operations.data());
    return finalized(graph);
  }

  // Best first. Empty where cuDNN does not support the graph.
  std::vector<cudnnBackendDescriptor_t> engine_configurations(cudnnBackendDescriptor_t graph,
                                                              cudnnBackendHeurMode_t mode) {
    const cudnnBackendDescriptor_t heuristic = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (target_.handle == nullptr) set(heuristic, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, target_.device_properties);
    const cudnnStatus_t status = cudnnBackendFinalize(heuristic);
    if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) return {};
    check(status, "cudnnBackendFinalize of a heuristic");
    int64_t count = 0;
    check(cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count,
                                   nullptr),
          "cudnnBackendGetAttribute");
    std::vector<cudnnBackendDescriptor_t> configurations;
    for (int64_t i = 0; i < count; ++i) configurations.push_back(make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
    if (count == 0) return {};
    check(cudnnBackendGetAttribute(heuristic, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                   static_cast<int64_t>(configurations.size()), &count, configurations.data()),
          "cudnnBackendGetAttribute");
    configurations.resize(static_cast<size_t>(count));  // it may have promised more than it gives
    return configurations;
  }

  std::optional<Candidate> candidate(cudnnBackendDescriptor_t configuration, int64_t max_workspace_bytes) {
    cudnnBackendDescriptor_t engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    int64_t count = 0;
    check(cudnnBackendGetAttribute(configuration, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                                   &engine),
          "cudnnBackendGetAttribute");
    std::vector<cudnnBackendNumericalNote_t> notes(CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    check(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                                   CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes.data()),
          "cudnnBackendGetAttribute");
    notes.resize(static_cast<size_t>(count));
    if (!is_exact(notes)) return std::nullopt;

    const cudnnBackendDescriptor_t plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    set(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
    set_target(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP);
    const cudnnStatus_t status = cudnnBackendFinalize(plan);
    if (CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED) return std::nullopt;
    check(status, "cudnnBackendFinalize of a plan");
    Candidate found = {plan, 0, -1, !notes.empty()};
    check(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
                                   &found.workspace_bytes),
          "cudnnBackendGetAttribute");
    if (found.workspace_bytes > max_workspace_bytes) return std::nullopt;
    check(cudnnBackendGetAttribute(engine, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &found.engine),
          "cudnnBackendGetAttribute");
    return found;
  }

  const Conv2dArgs& args_;
  const CudnnTarget& target_;
  std::vector<cudnnBackendDescriptor_t>& descriptors_;
};

ConvPlan::ConvPlan(const Conv2dArgs& args, const CudnnTarget& target, int64_t max_workspace_bytes) {
  try {
    Builder builder(args, target, &descriptors_);
    std::optional<Builder::Candidate> fused, alone;
    // What y held can be added where the convolution itself writes it, and only there.
    if (!adds_to_y(args)) fused = builder.best(/*fused=*/true, max_workspace_bytes);
    if (!fused || fused->is_generic) alone = builder.best(/*fused=*/false, max_workspace_bytes);
    fused_ = fused && (!alone || alone->is_generic);
    const std::optional<Builder::Candidate>& chosen = fused_ ? fused : alone;
    if (!chosen) check_cudnn(CUDNN_STATUS_NOT_SUPPORTED, "no exact engine for the convolution", args);
    plan_ = chosen->plan;
    workspace_bytes_ = chosen->workspace_bytes;
    engine_ = chosen->engine;
  } catch (...) {
    for (const cudnnBackendDescriptor_t d : descriptors_) (void)cudnnBackendDestroyDescriptor(d);
    throw;
  }
}

ConvPlan::~ConvPlan() {
  // Later ones refer to earlier ones.
  for (auto d = descriptors_.rbegin(); d != descriptors_.rend(); ++d) (void)cudnnBackendDestroyDescriptor(*d);
}

// ---- Running

void ConvPlan::execute(const Conv2dArgs& args, cudnnHandle_t handle) const {
  std::vector<int64_t> ids;
  std::vector<void*> pointers;
  const auto bind = [&](ConvTensor id, const void* data) {
    ids.push_back(static_cast<int64_t>(id));
    pointers.push_back(const_cast<void*>(data));
  };
  bind(ConvTensor::kX, args.x);
  bind(ConvTensor::kWeight, args.weight);
  bind(ConvTensor::kY, args.y);
  if (fused_) {
    bind(ConvTensor::kBias, args.bias);
    if (args.residual != nullptr) bind(ConvTensor::kResidual, args.residual);
  }
  cudnnBackendDescriptor_t pack = nullptr;
  check_cudnn(cudnnBackendCreateDescriptor(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack),
              "cudnnBackendCreateDescriptor", args);
  const std::shared_ptr<void> owner(pack, [](void* p) { (void)cudnnBackendDestroyDescriptor(p); });
  const auto count = static_cast<int64_t>(ids.size());
  check_cudnn(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids.data()),
              "cudnnBackendSetAttribute", args);
  check_cudnn(cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count,
                                       pointers.data()),
              "cudnnBackendSetAttribute", args);
  check_cudnn(
      cudnnBackendSetAttribute(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &args.workspace),
      "cudnnBackendSetAttribute", args);
  check_cudnn(cudnnBackendFinalize(pack), "cudnnBackendFinalize", args);
  check_cudnn(cudnnBackendExecute(handle, plan_, pack), "cudnnBackendExecute", args);
}

}  // namespace assay::kernels
