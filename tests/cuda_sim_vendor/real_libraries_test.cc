// SPDX-License-Identifier: Apache-2.0
// The real libcublasLt and libcudnn, without a GPU: they load, they are what the headers describe, and cuDNN makes the
// plans that conv2d wants for a GPU that is only described to it.
#include <cublasLt.h>
#include <cudnn.h>
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "kernels/conv/conv2d_cudnn_plan.h"

namespace assay::kernels {
namespace {

// An H100 SXM as cuDNN describes one.
constexpr const char* kH100 = R"({
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
  "multiProcessorCount": 132, "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "l2CacheSize": 52428800,
  "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
  "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "pciDeviceId": 0, "maxCtasPerSM": 32,
  "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1,
  "totalGlobalMem": 85899345920, "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0,
  "deviceName": "NVIDIA H100 80GB HBM3"})";

TEST_CASE("the libraries that programs link are those of the headers") {
  CHECK(cublasLtGetVersion() == CUBLAS_VERSION);
  CHECK(cudnnGetVersion() == CUDNN_VERSION);
}

TEST_CASE("cuDNN has exact engines on an H100 for every convolution of the backbone, and adds residual and bias") {
  cudnnBackendDescriptor_t h100 = nullptr;
  REQUIRE(cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &h100) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnBackendSetAttribute(h100, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                                   static_cast<int64_t>(std::strlen(kH100)) + 1, kH100) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnBackendFinalize(h100) == CUDNN_STATUS_SUCCESS);
  struct Shape {
    int64_t size, channels, out_channels, kernel, stride, pad;
  };
  // Addresses count by their alignment alone: nothing is run.
  alignas(16) static float memory[8];
  for (const Shape& s : {Shape{256, 3, 32, 3, 2, 0}, Shape{128, 32, 16, 1, 1, 0}, Shape{16, 80, 480, 1, 1, 0},
                         Shape{16, 480, 112, 1, 1, 0}, Shape{32, 40, 40, 5, 2, 1}, Shape{32, 64, 64, 3, 1, 1}}) {
    const int64_t out = (s.size + s.stride - 1) / s.stride;
    for (const float* residual : {static_cast<const float*>(nullptr), static_cast<const float*>(memory + 4),
                                  static_cast<const float*>(memory)}) {
      for (const int64_t offset : {0, 1}) {
        const Conv2dArgs args = {memory + offset, memory,   memory,     residual, memory, 16,
                                 s.size,          s.size,   s.channels, out,      out,    s.out_channels,
                                 s.kernel,        s.kernel, s.stride,   s.pad,    s.pad,  ConvActivation::kRelu6};
        for (const int64_t workspace : {int64_t{0}, int64_t{256} << 20}) {
          const ConvPlan plan(args, {nullptr, h100}, workspace);
          CAPTURE(s.size);
          CAPTURE(s.channels);
          CAPTURE(plan.engine());
          CHECK(plan.workspace_bytes() <= workspace);
          // With memory to work in, all is one graph, save where y itself is added.
          if (workspace > 0 && offset == 0) CHECK(plan.is_fused() == (residual != memory));
        }
      }
    }
  }
  CHECK(cudnnBackendDestroyDescriptor(h100) == CUDNN_STATUS_SUCCESS);
}

}  // namespace
}  // namespace assay::kernels
