// SPDX-License-Identifier: Apache-2.0
// conv2d on CUDA by cuDNN: plans kept by shape and device, then the plan, then what it left to be done.
#include "kernels/conv/conv2d_cudnn.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/base/check.h"
#include "kernels/base/cuda_check.h"
#include "kernels/conv/conv2d_cudnn_plan.h"
#include "kernels/matmul/gemm_cublas_finish.h"

namespace assay::kernels {
namespace {

// Beyond this a faster engine is not worth the memory.
constexpr int64_t kMaxWorkspaceBytes = int64_t{256} << 20;

// What a process keeps for one device. A handle serves one thread at a time.
struct DeviceState {
  std::mutex mutex;
  cudnnHandle_t handle = nullptr;
  std::map<std::vector<int64_t>, std::shared_ptr<const ConvPlan>> plans;
};

// Never destroyed: at the end of a process the driver may be gone already.
DeviceState& current_device_state() {
  static std::mutex mutex;
  static auto* const all = new std::map<int, std::unique_ptr<DeviceState>>;
  int device = 0;
  ASSAY_CUDA_CHECK(cudaGetDevice(&device));
  const std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<DeviceState>& state = (*all)[device];
  if (state == nullptr) state = std::make_unique<DeviceState>();
  return *state;
}

// More shapes than a few networks have; a caller whose shapes never repeat must not fill the memory.
constexpr size_t kMaxPlans = 1024;

// The state's mutex is held.
std::shared_ptr<const ConvPlan> find_plan(const Conv2dArgs& args, int64_t max_workspace_bytes, DeviceState* state) {
  if (state->handle == nullptr) check_cudnn(cudnnCreate(&state->handle), "cudnnCreate", args);
  std::vector<int64_t> key = conv_plan_key(args, max_workspace_bytes);
  const auto found = state->plans.find(key);
  if (found != state->plans.end()) return found->second;
  if (state->plans.size() >= kMaxPlans) state->plans.clear();
  auto plan = std::make_shared<const ConvPlan>(args, CudnnTarget{state->handle, nullptr}, max_workspace_bytes);
  return state->plans[std::move(key)] = std::move(plan);
}

// Whether any window holds anything of x: not where all lie in the zeros before it.
bool reaches_input(const Conv2dArgs& args) {
  return args.channels > 0 && args.height > 0 && args.width > 0 &&
         (args.out_height - 1) * args.stride + args.kernel_height > args.pad_top &&
         (args.out_width - 1) * args.stride + args.kernel_width > args.pad_left;
}

GemmActivation gemm_activation(ConvActivation activation) {
  switch (activation) {
    case ConvActivation::kRelu:
      return GemmActivation::kRelu;
    case ConvActivation::kRelu6:
      return GemmActivation::kRelu6;
    case ConvActivation::kNone:
      break;
  }
  return GemmActivation::kNone;
}

// activation(y + what `adds` says), in place; with `empty`, there is no product in y.
void finish(const Conv2dArgs& args, bool adds_bias, bool adds_residual, bool empty, void* cuda_stream) {
  GemmFinishArgs pass = {
      args.y, args.batch * args.out_height * args.out_width, args.out_channels, args.out_channels, 1, 0, {}};
  pass.epilogue.beta = empty ? 0 : 1;
  pass.epilogue.bias = adds_bias ? args.bias : nullptr;
  pass.epilogue.residual = adds_residual ? args.residual : nullptr;
  pass.epilogue.ld_residual = args.out_channels;
  pass.epilogue.activation = gemm_activation(args.activation);
  const bool nothing_left =
      pass.epilogue.bias == nullptr && pass.epilogue.residual == nullptr && args.activation == ConvActivation::kNone;
  if (!empty && nothing_left) return;
  run(gemm_finish, pass, {Backend::kCuda, cuda_stream});
}

}  // namespace

void conv2d_cudnn_cuda(const Conv2dArgs& args, void* cuda_stream) {
  if (args.batch == 0 || args.out_height == 0 || args.out_width == 0 || args.out_channels == 0) return;
  const bool has_residual = args.residual != nullptr;
  if (!reaches_input(args)) {
    return finish(args, true, has_residual, /*empty=*/true, cuda_stream);
  }
  const int64_t workspace_bytes = args.workspace == nullptr ? 0 : args.workspace_bytes;
  std::shared_ptr<const ConvPlan> plan;
  {
    DeviceState& state = current_device_state();
    const std::lock_guard<std::mutex> lock(state.mutex);
    plan = find_plan(args, workspace_bytes, &state);
    check_cudnn(cudnnSetStream(state.handle, static_cast<cudaStream_t>(cuda_stream)), "cudnnSetStream", args);
    plan->execute(args, state.handle);
  }
  const bool residual_is_left = has_residual && !plan->is_fused() && args.residual != args.y;
  finish(args, !plan->is_fused(), residual_is_left, /*empty=*/false, cuda_stream);
}

int64_t conv2d_cudnn_workspace_bytes(const Conv2dArgs& args) {
  if (args.batch == 0 || args.out_height == 0 || args.out_width == 0 || args.out_channels == 0) return 0;
  if (!reaches_input(args)) return 0;
  DeviceState& state = current_device_state();
  const std::lock_guard<std::mutex> lock(state.mutex);
  return find_plan(args, kMaxWorkspaceBytes, &state)->workspace_bytes();
}

}  // namespace assay::kernels
