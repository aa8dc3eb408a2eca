// SPDX-License-Identifier: Apache-2.0
// The device that a test program exercises, and tensors there from braces and back.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/device/device.h"
#include "engine/tensor/tensor.h"
#include "tests/support/backend.h"

namespace assay::testing {

// The CPU, or the first GPU where the program was started with --backend=cuda.
inline Device test_device() { return {test_backend(), 0}; }

inline Tensor on_test_device(const Tensor& t) { return t.to(test_device(), "test"); }
inline Tensor on_host(const Tensor& t) { return t.to(Device::cpu(), "test"); }

// On the test device.
template <class T>
Tensor tensor_of(const Shape& shape, const std::vector<T>& values) {
  const Tensor t = Tensor::empty<T>(shape, "test");
  ASSAY_CHECK(t.size() == static_cast<int64_t>(values.size()), "test tensor: ", values.size(), " values for ",
              to_string(shape));
  std::copy(values.begin(), values.end(), t.template data<T>());
  return on_test_device(t);
}

inline Tensor matrix(int64_t rows, int64_t cols, const std::vector<float>& values) {
  return tensor_of<float>({rows, cols}, values);
}

// From whatever device.
template <class T>
std::vector<T> values_of(const Tensor& t) {
  const Tensor host = on_host(t);
  return std::vector<T>(host.template data<T>(), host.template data<T>() + host.size());
}

}  // namespace assay::testing
