// SPDX-License-Identifier: Apache-2.0
// Device memory for tests that talk to the CUDA runtime directly.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace assay::cuda_sim::idioms {

inline void require(cudaError_t error) {
  if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorName(error));
}

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : size_(values.size()) {
    require(cudaMalloc(&data_, bytes()));
    require(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice));
  }
  explicit DeviceArray(size_t size) : DeviceArray(std::vector<T>(size)) {}
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* get() { return static_cast<T*>(data_); }
  std::vector<T> values() const {
    std::vector<T> result(size_);
    require(cudaMemcpy(result.data(), data_, bytes(), cudaMemcpyDeviceToHost));
    return result;
  }

 private:
  size_t bytes() const { return size_ * sizeof(T); }

  size_t size_;
  void* data_ = nullptr;
};

}  // namespace assay::cuda_sim::idioms
