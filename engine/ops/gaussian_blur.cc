// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/gaussian_blur.h"

#include "engine/ops/op_context.h"
#include "kernels/blur/gaussian_blur.h"

namespace assay::ops {

Tensor gaussian_blur(const Tensor& map, double sigma) {
  ASSAY_CHECK(map.rank() == 2 && map.dtype() == DType::kFloat32, "gaussian_blur: map has shape ",
              to_string(map.shape()), ", expected (H, W) of float32");
  // Written so that a NaN fails; the limit bounds the scratch.
  ASSAY_CHECK(sigma >= 0 && sigma <= 10000, "gaussian_blur: sigma ", sigma, ", expected 0 to 10000 pixels");
  const OpContext ctx("gaussian_blur", {{"map", &map}});
  Tensor blurred = ctx.empty<float>(map.shape(), "maps");
  const Tensor workspace = ctx.empty<float>({kernels::gaussian_blur_workspace_floats(map.dim(1), sigma)}, "workspace");
  ctx.run(kernels::gaussian_blur,
          {ctx.in<float>(map), ctx.out<float>(blurred), ctx.out<float>(workspace), map.dim(0), map.dim(1), sigma});
  return blurred;
}

}  // namespace assay::ops
