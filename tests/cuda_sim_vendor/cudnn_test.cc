// SPDX-License-Identifier: Apache-2.0
// The simulated cuDNN under the plans of conv2d: which engine is taken when, and each rule of running a plan broken
// once. Results are checked by conv2d_cudnn_test.cc; descriptors by vendor_descriptors_test.cc.
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <doctest/doctest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kernels/conv/conv2d_cudnn_plan.h"
#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim_vendor/control.h"

namespace assay::cuda_sim_vendor {
namespace {

using kernels::Conv2dArgs;
using kernels::ConvActivation;
using kernels::ConvPlan;

constexpr int64_t kPlenty = int64_t{1} << 20;

struct Problem {
  cudnnHandle_t handle = nullptr;
  Conv2dArgs args = {};
  float* residual = nullptr;

  // 3 x 3, one zero on each side; `after`: none before.
  explicit Problem(bool uneven = false) {
    REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
    args.batch = 1;
    args.height = args.width = args.out_height = args.out_width = 6;
    args.channels = 4;
    args.out_channels = 8;
    args.kernel_height = args.kernel_width = 3;
    args.stride = 1;
    args.pad_top = args.pad_left = uneven ? 0 : 1;
    args.activation = ConvActivation::kNone;
    args.x = memory(6 * 6 * 4);
    args.weight = memory(8 * 9 * 4);
    args.bias = memory(8);
    residual = memory(6 * 6 * 8);
    args.y = memory(6 * 6 * 8);
    args.workspace = memory(kPlenty / 4);
    args.workspace_bytes = kPlenty;
  }
  ~Problem() { cudnnDestroy(handle); }

  static float* memory(int64_t count) {
    void* data = nullptr;
    cudaMalloc(&data, static_cast<size_t>(count) * sizeof(float));
    cudaMemset(data, 0, static_cast<size_t>(count) * sizeof(float));
    return static_cast<float*>(data);
  }
};

TEST_CASE("a plan passes over engines that round, transform or reorder, and takes the workspace it is given") {
  const Problem even, uneven(true);
  for (const Problem* p : {&even, &uneven}) {
    const ConvPlan rich(p->args, {p->handle, nullptr}, kPlenty);
    CHECK(rich.engine() == 44);
    CHECK(rich.is_fused());
    CHECK(rich.workspace_bytes() == 8 * 9 * 4 * 4 + 16);
    const ConvPlan poor(p->args, {p->handle, nullptr}, rich.workspace_bytes() - 1);
    CHECK(poor.engine() == (p == &even ? 11 : 0));
    CHECK(poor.workspace_bytes() == 0);
  }
}

TEST_CASE(
    "a plan leaves bias and residual to the caller where no engine takes the graph, and says so where none is left") {
  Problem p;
  p.args.residual = p.residual;
  refuse_graphs(CudnnRefusal::kFusedGraphs);
  CHECK(!ConvPlan(p.args, {p.handle, nullptr}, kPlenty).is_fused());
  refuse_graphs(CudnnRefusal::kEverything);
  std::string message;
  try {
    const ConvPlan plan(p.args, {p.handle, nullptr}, kPlenty);
  } catch (const Error& e) {
    message = e.what();
  }
  refuse_graphs(CudnnRefusal::kNothing);
  CHECK(message.find("conv2d: no exact engine for the convolution of (1, 6, 6, 4) with a kernel of 3 x 3, stride 1") ==
        0);
  CHECK(message.find("CUDNN_STATUS_NOT_SUPPORTED") != std::string::npos);
  p.args.residual = p.args.y;
  CHECK(!ConvPlan(p.args, {p.handle, nullptr}, kPlenty).is_fused());
  CHECK(cuda_sim::take_reports().empty());
}

// Running the plan with something wrong throws cuDNN's status, and gives a report with these words.
void check_refused(const std::function<void(Problem&, Conv2dArgs&)>& break_it, const char* status, const char* words) {
  CAPTURE(words);
  Problem p;
  const ConvPlan plan(p.args, {p.handle, nullptr}, kPlenty);
  Conv2dArgs args = p.args;
  break_it(p, args);
  std::string message;
  try {
    plan.execute(args, p.handle);
  } catch (const Error& e) {
    message = e.what();
  }
  cudaSetDevice(0);
  CHECK(message.find("cudnnBackendExecute") != std::string::npos);
  CHECK(message.find(status) != std::string::npos);
  CHECK(message.find(words) != std::string::npos);
  const std::vector<cuda_sim::Report> reports = cuda_sim::take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].text.find(words) != std::string::npos);
}

TEST_CASE("a plan's tensors must be memory of the device, aligned as promised, large enough, and apart") {
  static float on_the_host[64];
  check_refused([](Problem&, Conv2dArgs& a) { a.x = nullptr; }, "(2002)", "unique id 1 is null");
  check_refused([](Problem&, Conv2dArgs& a) { a.bias = on_the_host; }, "EXECUTION_FAILED", "unique id 3: ");
  check_refused([](Problem&, Conv2dArgs& a) { a.x += 1; }, "(2003)", "unique id 1 is not aligned to 16");
  check_refused([](Problem&, Conv2dArgs& a) { a.x += 4; }, "EXECUTION_FAILED", "unique id 1: ");
  check_refused([](Problem&, Conv2dArgs& a) { cudaFree(const_cast<float*>(a.weight)); }, "EXECUTION_FAILED",
                "unique id 2: ");
  check_refused([](Problem& p, Conv2dArgs& a) { a.x = a.y = p.residual; }, "BAD_PARAM", "the output overlaps an input");
  check_refused(
      [](Problem&, Conv2dArgs& a) {
        cudaSetDevice(1);
        a.x = Problem::memory(6 * 6 * 4);
        cudaSetDevice(0);
      },
      "EXECUTION_FAILED", "of device 1");
}

TEST_CASE("a plan needs its workspace, and its handle's device and stream") {
  check_refused([](Problem&, Conv2dArgs& a) { a.workspace = nullptr; }, "(2002)", "needs a workspace");
  check_refused([](Problem&, Conv2dArgs& a) { a.workspace = Problem::memory(16); }, "EXECUTION_FAILED",
                "the workspace: ");
  check_refused([](Problem&, Conv2dArgs&) { cudaSetDevice(1); }, "BAD_PARAM", "the handle is of device 0");
  check_refused(
      [](Problem& p, Conv2dArgs&) {
        cudaSetDevice(1);
        cudnnDestroy(p.handle);
        cudnnCreate(&p.handle);
      },
      "BAD_PARAM", "the plan was made for another device");
  check_refused(
      [](Problem& p, Conv2dArgs&) {
        cudaSetDevice(1);
        cudaStream_t other = nullptr;
        cudaStreamCreate(&other);
        cudaSetDevice(0);
        cudnnSetStream(p.handle, other);
      },
      "EXECUTION_FAILED", "the stream");
}

}  // namespace
}  // namespace assay::cuda_sim_vendor
