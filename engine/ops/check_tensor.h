// SPDX-License-Identifier: Apache-2.0
// The checks that ops begin with. Each throws assay::Error naming the op, the tensor, what it is and what was expected.
#pragma once

#include "engine/tensor/tensor.h"
#include "kernels/base/check.h"

namespace assay::ops {

inline void check_dtype(const char* op, const char* name, const Tensor& tensor, DType expected) {
  ASSAY_CHECK(tensor.dtype() == expected, op, ": ", name, " is ", dtype_name(tensor.dtype()), ", expected ",
              dtype_name(expected));
}

// `form` names the two axes in the message: "(Q, D)".
inline void check_matrix(const char* op, const char* name, const Tensor& tensor, const char* form) {
  ASSAY_CHECK(tensor.rank() == 2, op, ": ", name, " has shape ", to_string(tensor.shape()), ", expected ", form);
  check_dtype(op, name, tensor, DType::kFloat32);
}

}  // namespace assay::ops
