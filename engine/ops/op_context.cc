// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/op_context.h"

#include "engine/device/cuda_api.h"

namespace assay::ops {

OpContext::OpContext(const char* op, std::initializer_list<Operand> operands)
    : op_(op), stream_(current_stream(operands.begin()->tensor->device())) {
  for (const Operand& operand : operands) {
    ASSAY_CHECK(operand.tensor->device() == device(), op, ": ", operand.name, " lies on ",
                to_string(operand.tensor->device()), ", ", operands.begin()->name, " on ", to_string(device()));
  }
}

void OpContext::check(const Tensor& tensor, DType dtype) const {
  ASSAY_CHECK(tensor.dtype() == dtype, op_, ": tensor of shape ", to_string(tensor.shape()), " is ",
              dtype_name(tensor.dtype()), ", expected ", dtype_name(dtype));
  ASSAY_CHECK(tensor.device() == device(), op_, ": tensor of shape ", to_string(tensor.shape()), " lies on ",
              to_string(tensor.device()), ", the op runs on ", to_string(device()));
}

void OpContext::prepare() const {
  if (!device().is_cpu()) cuda_api::make_current(device().index);
}

}  // namespace assay::ops
