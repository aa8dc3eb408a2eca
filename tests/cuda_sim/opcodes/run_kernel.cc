// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/opcodes/run_kernel.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>

// What the host code that nvcc makes calls before main().
extern "C" void** __cudaRegisterFatBinary(void* image);
extern "C" void __cudaRegisterFunction(void** module, const char* stub, char* device_name, const char* name,
                                       int max_threads, uint3* thread, uint3* block, dim3* block_size, dim3* grid_size,
                                       int* warp_size);

namespace assay::cuda_sim::opcodes {
namespace {

void check(cudaError_t error, const char* call) {
  if (error != cudaSuccess) throw std::runtime_error(std::string(call) + ": " + cudaGetErrorName(error));
}

// The address that stands for a kernel on the host.
const void* stub_of(const std::string& name) {
  static std::map<std::string, std::unique_ptr<char>> stubs;
  std::unique_ptr<char>& stub = stubs[name];
  if (!stub) {
    stub = std::make_unique<char>();
    __cudaRegisterFunction(__cudaRegisterFatBinary(nullptr), stub.get(), const_cast<char*>(name.c_str()),
                           stubs.find(name)->first.c_str(), -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  }
  return stub.get();
}

}  // namespace

std::vector<unsigned char> run_kernel(const std::string& name, int num_threads, const std::vector<uint32_t>& input,
                                      int output_bytes) {
  const size_t input_bytes = std::max<size_t>(4, 4 * input.size());
  void* in = nullptr;
  void* out = nullptr;
  check(cudaMalloc(&in, input_bytes), "cudaMalloc");
  check(cudaMalloc(&out, std::max(4, output_bytes)), "cudaMalloc");
  check(cudaMemset(out, 0xff, std::max(4, output_bytes)), "cudaMemset");
  check(cudaMemcpy(in, input.data(), 4 * input.size(), cudaMemcpyHostToDevice), "cudaMemcpy");
  void* parameters[] = {&in, &out};
  check(cudaLaunchKernel(stub_of(name), dim3(1), dim3(static_cast<unsigned>(num_threads)), parameters, 0, nullptr),
        "cudaLaunchKernel");
  const cudaError_t end = cudaDeviceSynchronize();
  std::vector<unsigned char> output(output_bytes);
  // After a fault the runtime refuses everything until its report is taken; the bytes are still there to look at.
  if (end == cudaSuccess) {
    check(cudaMemcpy(output.data(), out, output.size(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    check(cudaFree(in), "cudaFree");
    check(cudaFree(out), "cudaFree");
  } else {
    std::copy_n(static_cast<unsigned char*>(out), output.size(), output.begin());
  }
  return output;
}

}  // namespace assay::cuda_sim::opcodes
