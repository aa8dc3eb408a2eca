// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime_api.h>

#include "kernels/base/cuda_check.h"
#include "tests/support/staging.h"

namespace assay::testing {

std::byte* test_device_allocate(size_t bytes) {
  void* device = nullptr;
  ASSAY_CUDA_CHECK(cudaMalloc(&device, bytes));
  return static_cast<std::byte*>(device);
}

void test_device_free(std::byte* device) { (void)cudaFree(device); }

void test_device_upload(std::byte* device, const void* host, size_t bytes) {
  ASSAY_CUDA_CHECK(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice));
}

void test_device_download(void* host, const std::byte* device, size_t bytes) {
  ASSAY_CUDA_CHECK(cudaDeviceSynchronize());
  ASSAY_CUDA_CHECK(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost));
}

}  // namespace assay::testing
