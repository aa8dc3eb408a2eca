// SPDX-License-Identifier: Apache-2.0
// Tensors from braces, for the tests of this folder.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/tensor/tensor.h"

namespace assay::ops::testing {

template <class T>
Tensor tensor_of(const Shape& shape, const std::vector<T>& values) {
  const Tensor t = Tensor::empty<T>(shape, "test");
  ASSAY_CHECK(t.size() == static_cast<int64_t>(values.size()), "test tensor: ", values.size(), " values for ",
              to_string(shape));
  std::copy(values.begin(), values.end(), t.template data<T>());
  return t;
}

inline Tensor matrix(int64_t rows, int64_t cols, const std::vector<float>& values) {
  return tensor_of<float>({rows, cols}, values);
}

template <class T>
std::vector<T> values_of(const Tensor& t) {
  return std::vector<T>(t.data<T>(), t.data<T>() + t.size());
}

}  // namespace assay::ops::testing
