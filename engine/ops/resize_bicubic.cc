// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/resize_bicubic.h"

#include "engine/ops/op_context.h"
#include "kernels/interpolate/bicubic_resize.h"

namespace assay::ops {

Tensor resize_bicubic(const Tensor& grid, int64_t out_height, int64_t out_width, double step_down, double step_across) {
  ASSAY_CHECK(grid.rank() == 3 && grid.dtype() == DType::kFloat32 && grid.dim(0) >= 1 && grid.dim(1) >= 1,
              "resize_bicubic: grid has shape ", to_string(grid.shape()), ", expected (H, W, C) of float32");
  ASSAY_CHECK(out_height >= 0 && out_width >= 0 && step_down > 0 && step_across > 0, "resize_bicubic: output size ",
              out_height, " x ", out_width, " by steps of ", step_down, " and ", step_across,
              ", expected sizes of at least 0 and positive steps");
  const OpContext ctx("resize_bicubic", {{"grid", &grid}});
  Tensor resized = ctx.empty<float>({out_height, out_width, grid.dim(2)}, "maps");
  ctx.run(kernels::bicubic_resize, {ctx.in<float>(grid), ctx.out<float>(resized), grid.dim(0), grid.dim(1), grid.dim(2),
                                    out_height, out_width, step_down, step_across});
  return resized;
}

}  // namespace assay::ops
