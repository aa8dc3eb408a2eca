// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/neighbourhood_mean.h"

#include "kernels/pool/neighbourhood_mean.h"

namespace assay::ops {

Tensor neighbourhood_mean(const Tensor& features, int64_t window) {
  ASSAY_CHECK(features.rank() == 3 && features.dtype() == DType::kFloat32, "neighbourhood_mean: features have shape ",
              to_string(features.shape()), ", expected (H, W, C) of float32");
  ASSAY_CHECK(window >= 1 && window <= 1023 && window % 2 == 1, "neighbourhood_mean: window ", window,
              ", expected an odd number from 1 to 1023");
  Tensor mean = Tensor::empty<float>(features.shape(), "features");
  run(kernels::neighbourhood_mean,
      {features.data<float>(), mean.data<float>(), features.dim(0), features.dim(1), features.dim(2), window});
  return mean;
}

}  // namespace assay::ops
