// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/resize_bilinear.h"

#include "engine/ops/op_context.h"
#include "kernels/interpolate/bilinear_resize.h"

namespace assay::ops {

Tensor resize_bilinear(const Tensor& grid, int64_t out_height, int64_t out_width) {
  ASSAY_CHECK((grid.rank() == 2 || grid.rank() == 3) && grid.dtype() == DType::kFloat32,
              "resize_bilinear: grid has shape ", to_string(grid.shape()), ", expected (H, W) or (H, W, C) of float32");
  ASSAY_CHECK(grid.dim(0) >= 1 && grid.dim(1) >= 1, "resize_bilinear: grid has shape ", to_string(grid.shape()),
              ", expected at least one row and one column");
  ASSAY_CHECK(out_height >= 0 && out_width >= 0, "resize_bilinear: output size ", out_height, " x ", out_width,
              ", expected two numbers of at least 0");
  Shape shape = grid.shape();
  shape[0] = out_height;
  shape[1] = out_width;
  const int64_t channels = grid.rank() == 3 ? grid.dim(2) : 1;
  const OpContext ctx("resize_bilinear", {{"grid", &grid}});
  Tensor resized = ctx.empty<float>(shape, "maps");
  ctx.run(kernels::bilinear_resize,
          {ctx.in<float>(grid), ctx.out<float>(resized), grid.dim(0), grid.dim(1), channels, out_height, out_width});
  return resized;
}

}  // namespace assay::ops
