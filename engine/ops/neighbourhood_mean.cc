// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/neighbourhood_mean.h"

#include "engine/ops/op_context.h"
#include "kernels/pool/neighbourhood_mean.h"

namespace assay::ops {

Tensor neighbourhood_mean(const Tensor& features, int64_t window) {
  const int64_t rank = features.rank();
  ASSAY_CHECK((rank == 3 || rank == 4) && features.dtype() == DType::kFloat32,
              "neighbourhood_mean: features have shape ", to_string(features.shape()),
              ", expected (H, W, C) or (B, H, W, C) of float32");
  ASSAY_CHECK(window >= 1 && window <= 1023 && window % 2 == 1, "neighbourhood_mean: window ", window,
              ", expected an odd number from 1 to 1023");
  const OpContext ctx("neighbourhood_mean", {{"features", &features}});
  Tensor mean = ctx.empty<float>(features.shape(), "features");
  ctx.run(kernels::neighbourhood_mean,
          {ctx.in<float>(features), ctx.out<float>(mean), features.dim(rank - 3), features.dim(rank - 2),
           features.dim(rank - 1), window, rank == 4 ? features.dim(0) : 1});
  return mean;
}

}  // namespace assay::ops
