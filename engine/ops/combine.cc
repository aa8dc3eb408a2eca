// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/combine.h"

#include "engine/ops/check_tensor.h"
#include "engine/ops/op_context.h"
#include "kernels/arithmetic/combine.h"

namespace assay::ops {

using kernels::Broadcast;
using kernels::Combination;
using kernels::CombineArgs;

void fill(const Tensor& tensor, float value) {
  check_dtype("fill", "tensor", tensor, DType::kFloat32);
  const OpContext ctx("fill", {{"tensor", &tensor}});
  const Tensor number = Tensor::empty<float>({1}, "fill");
  number.data<float>()[0] = value;
  const Tensor there = number.to(tensor.device(), "fill");
  ctx.run(kernels::combine, CombineArgs{nullptr, ctx.in<float>(there), ctx.out<float>(tensor), 1, tensor.size(),
                                        Combination::kTake, Broadcast::kNumber});
}

void add_into(const Tensor& into, const Tensor& from) {
  check_dtype("add_into", "into", into, DType::kFloat32);
  check_dtype("add_into", "from", from, DType::kFloat32);
  ASSAY_CHECK(into.shape() == from.shape(), "add_into: into has shape ", to_string(into.shape()), ", from ",
              to_string(from.shape()));
  const OpContext ctx("add_into", {{"into", &into}, {"from", &from}});
  float* y = ctx.out<float>(into);
  ctx.run(kernels::combine, CombineArgs{y, ctx.in<float>(from), y, 1, into.size(), Combination::kAdd});
}

void scale(const Tensor& tensor, float factor) {
  check_dtype("scale", "tensor", tensor, DType::kFloat32);
  const OpContext ctx("scale", {{"tensor", &tensor}});
  float* y = ctx.out<float>(tensor);
  ctx.run(kernels::combine, CombineArgs{nullptr, y, y, 1, tensor.size(), Combination::kTake, Broadcast::kNone, factor});
}

}  // namespace assay::ops
