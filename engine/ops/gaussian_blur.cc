// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/gaussian_blur.h"

#include "engine/ops/op_context.h"
#include "kernels/blur/gaussian_blur.h"

namespace assay::ops {

Tensor gaussian_blur(const Tensor& maps, double sigma) {
  const int64_t rank = maps.rank();
  ASSAY_CHECK((rank == 2 || rank == 3) && maps.dtype() == DType::kFloat32, "gaussian_blur: map has shape ",
              to_string(maps.shape()), ", expected (H, W) or (B, H, W) of float32");
  // Written so that a NaN fails; the limit bounds the scratch.
  ASSAY_CHECK(sigma >= 0 && sigma <= 10000, "gaussian_blur: sigma ", sigma, ", expected 0 to 10000 pixels");
  const OpContext ctx("gaussian_blur", {{"map", &maps}});
  const Tensor blurred = ctx.empty<float>(maps.shape(), "maps");
  kernels::GaussianBlurArgs args = {};
  args.height = maps.dim(rank - 2);
  args.width = maps.dim(rank - 1);
  args.sigma = sigma;
  args.batch = rank == 3 ? maps.dim(0) : 1;
  const Tensor workspace =
      ctx.empty<float>({kernels::gaussian_blur_workspace_floats(args, ctx.device().backend)}, "workspace");
  args.x = ctx.in<float>(maps);
  args.y = ctx.out<float>(blurred);
  args.workspace = ctx.out<float>(workspace);
  ctx.run(kernels::gaussian_blur, args);
  return blurred;
}

}  // namespace assay::ops
