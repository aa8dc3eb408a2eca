// SPDX-License-Identifier: Apache-2.0
// Device memory and launches, as short as tests want them.
#pragma once

#include <cuda_runtime_api.h>
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tests/cuda_sim/faults/faulty_kernels.h"

namespace assay::cuda_sim {

#define CHECK_CUDA(call) CHECK(cudaGetErrorName(call) == doctest::String("cudaSuccess"))

// Device memory for floats, freed when it goes.
class DeviceArray {
 public:
  explicit DeviceArray(size_t count) : count_(count) {
    CHECK_CUDA(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(float)));
  }
  explicit DeviceArray(const std::vector<float>& values) : DeviceArray(values.size()) {
    CHECK_CUDA(cudaMemcpy(data_, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice));
  }
  ~DeviceArray() { (void)cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  float* data() const { return data_; }
  size_t bytes() const { return count_ * sizeof(float); }
  std::vector<float> download() const {
    std::vector<float> values(count_);
    CHECK_CUDA(cudaMemcpy(values.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  float* data_ = nullptr;
  size_t count_;
};

// 1, 2, 3...
inline std::vector<float> counting(size_t count) {
  std::vector<float> values(count);
  for (size_t index = 0; index < count; ++index) values[index] = static_cast<float>(index + 1);
  return values;
}

inline cudaError_t launch(TestKernel kernel, int num_blocks, int num_threads, const float* x, float* y, int n,
                          cudaStream_t stream = nullptr, size_t dynamic_shared_bytes = 0) {
  void* arguments[] = {&x, &y, &n};
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(static_cast<unsigned>(num_blocks)),
                          dim3(static_cast<unsigned>(num_threads)), arguments, dynamic_shared_bytes, stream);
}

// The reports so far must be `count` of this fault, and no other.
inline std::vector<Report> expect_reports(Fault fault, size_t count = 1) {
  std::vector<Report> reports = take_reports();
  CHECK(reports.size() == count);
  for (const Report& report : reports) {
    INFO(report.text);
    CHECK(doctest::String(fault_name(report.fault)) == doctest::String(fault_name(fault)));
  }
  return reports;
}

inline void expect_no_reports() {
  for (const Report& report : take_reports()) FAIL_CHECK(std::string(fault_name(report.fault)), ": ", report.text);
}

}  // namespace assay::cuda_sim
