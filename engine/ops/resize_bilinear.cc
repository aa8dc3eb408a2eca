// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/resize_bilinear.h"

#include "engine/ops/op_context.h"
#include "kernels/interpolate/bilinear_resize.h"

namespace assay::ops {

Tensor resize_bilinear(const Tensor& grid, int64_t out_height, int64_t out_width) {
  const int64_t rank = grid.rank();
  ASSAY_CHECK(rank >= 2 && rank <= 4 && grid.dtype() == DType::kFloat32, "resize_bilinear: grid has shape ",
              to_string(grid.shape()), ", expected (H, W), (H, W, C) or (B, H, W, C) of float32");
  const int64_t row_axis = rank == 4 ? 1 : 0;
  const int64_t height = grid.dim(row_axis), width = grid.dim(row_axis + 1);
  ASSAY_CHECK(height >= 1 && width >= 1, "resize_bilinear: grid has shape ", to_string(grid.shape()),
              ", expected at least one row and one column");
  ASSAY_CHECK(out_height >= 0 && out_width >= 0, "resize_bilinear: output size ", out_height, " x ", out_width,
              ", expected two numbers of at least 0");
  Shape shape = grid.shape();
  shape[row_axis] = out_height;
  shape[row_axis + 1] = out_width;
  const OpContext ctx("resize_bilinear", {{"grid", &grid}});
  Tensor resized = ctx.empty<float>(shape, "maps");
  ctx.run(kernels::bilinear_resize,
          {ctx.in<float>(grid), ctx.out<float>(resized), height, width, rank == 2 ? 1 : grid.dim(rank - 1), out_height,
           out_width, rank == 4 ? grid.dim(0) : 1});
  return resized;
}

}  // namespace assay::ops
