// SPDX-License-Identifier: Apache-2.0
// gemm and conv2d on simulated libraries, where a test can see what they ask for: algorithms and plans once for each
// shape, handles for each device, whatever thread asks.
#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "kernels/conv/conv2d_cudnn.h"
#include "kernels/matmul/gemm_cublas.h"
#include "tests/cuda_sim/control.h"
#include "tests/cuda_sim_vendor/control.h"

namespace assay::kernels {
namespace {

constexpr StreamHandle kStream = {Backend::kCuda, nullptr};

float* ones(int64_t count) {
  const std::vector<float> host(static_cast<size_t>(count), 1.0f);
  void* device = nullptr;
  cudaMalloc(&device, host.size() * sizeof(float));
  cudaMemcpy(device, host.data(), host.size() * sizeof(float), cudaMemcpyHostToDevice);
  return static_cast<float*>(device);
}

float first_of(const float* device) {
  float value = 0;
  cudaDeviceSynchronize();
  cudaMemcpy(&value, device, sizeof value, cudaMemcpyDeviceToHost);
  return value;
}

float multiply(int64_t n) {
  float* c = ones(n * n);
  run(gemm_cublas, {ones(n * n), ones(n * n), c, n, n, n, n, n, n, false, false}, kStream);
  return first_of(c);
}

float convolve(int64_t channels) {
  float* y = ones(4 * 4 * 8);
  conv2d_cudnn_cuda({ones(4 * 4 * channels), ones(8 * channels), ones(8), nullptr, y, 1, 4, 4, channels, 4, 4, 8, 1, 1,
                     1, 0, 0, ConvActivation::kNone},
                    nullptr);
  return first_of(y);
}

TEST_CASE("gemm asks for an algorithm once for each shape and device, also from many threads") {
  const int64_t before = cuda_sim_vendor::num_heuristic_calls();
  std::vector<std::thread> threads;
  std::vector<float> found(4);
  for (size_t i = 0; i < 4; ++i) threads.emplace_back([&found, i] { found[i] = multiply(20); });
  for (std::thread& t : threads) t.join();
  CHECK(found == std::vector<float>(4, 20.0f));
  CHECK(cuda_sim_vendor::num_heuristic_calls() == before + 1);
  CHECK(multiply(24) == 24);
  CHECK(cuda_sim_vendor::num_heuristic_calls() == before + 2);
  cudaSetDevice(1);
  CHECK(multiply(20) == 20);
  cudaSetDevice(0);
  CHECK(cuda_sim_vendor::num_heuristic_calls() == before + 3);
  CHECK(cuda_sim::take_reports().empty());
}

TEST_CASE("conv2d makes a plan once for each shape and device, also from many threads") {
  CHECK(convolve(3) == 4);
  const int64_t before = cuda_sim_vendor::num_engine_lists();
  std::vector<std::thread> threads;
  std::vector<float> found(4);
  for (size_t i = 0; i < 4; ++i) threads.emplace_back([&found, i] { found[i] = convolve(3); });
  for (std::thread& t : threads) t.join();
  CHECK(found == std::vector<float>(4, 4.0f));
  CHECK(cuda_sim_vendor::num_engine_lists() == before);
  CHECK(convolve(5) == 6);
  const int64_t other_shape = cuda_sim_vendor::num_engine_lists();
  CHECK(other_shape > before);
  cudaSetDevice(1);
  CHECK(convolve(5) == 6);
  cudaSetDevice(0);
  CHECK(cuda_sim_vendor::num_engine_lists() > other_shape);
  CHECK(cuda_sim::take_reports().empty());
}

TEST_CASE("conv2d is right where cuDNN refuses what it usually takes, and clear where it refuses everything") {
  cuda_sim_vendor::refuse_graphs(cuda_sim_vendor::CudnnRefusal::kFusedGraphs);
  CHECK(convolve(7) == 8);
  cuda_sim_vendor::refuse_graphs(cuda_sim_vendor::CudnnRefusal::kEverything);
  std::string message;
  try {
    convolve(9);
  } catch (const Error& e) {
    message = e.what();
  }
  cuda_sim_vendor::refuse_graphs(cuda_sim_vendor::CudnnRefusal::kNothing);
  CHECK(message.find("no exact engine") != std::string::npos);
}

TEST_CASE("a library's refusal is an error with the call, the shape and its status") {
  static float on_the_host[16];
  std::string message;
  try {
    run(gemm_cublas, {on_the_host, ones(16), ones(16), 4, 4, 4, 4, 4, 4, false, false}, kStream);
  } catch (const Error& e) {
    message = e.what();
  }
  CHECK(message.find("gemm: cublasLtMatmul of 1 x (4 x 4 x 4): CUBLAS_STATUS_EXECUTION_FAILED") == 0);
  CHECK(cuda_sim::take_reports().size() == 1);
}

}  // namespace
}  // namespace assay::kernels
