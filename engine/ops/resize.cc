// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/resize.h"

#include "engine/ops/op_context.h"
#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/nearest_resize.h"

namespace assay::ops {
namespace {

bool is_side(int64_t n) { return n >= 1 && n <= kernels::kMaxResizeSide; }

void check_sides(const char* op, const Tensor& x, int64_t height, int64_t width) {
  ASSAY_CHECK(x.dtype() == DType::kUInt8, op, ": input of shape ", to_string(x.shape()), " is not uint8");
  ASSAY_CHECK(is_side(x.dim(0)) && is_side(x.dim(1)), op, ": input has shape ", to_string(x.shape()),
              ", expected a height and a width from 1 to ", kernels::kMaxResizeSide);
  ASSAY_CHECK(is_side(height) && is_side(width), op, ": output size is ", height, " x ", width,
              ", expected a height and a width from 1 to ", kernels::kMaxResizeSide);
}

}  // namespace

Tensor antialias_resize(const Tensor& image, int64_t height, int64_t width) {
  ASSAY_CHECK(image.rank() == 3 && (image.dim(2) == 1 || image.dim(2) == 3), "antialias_resize: input has shape ",
              to_string(image.shape()), ", expected (height, width, 1 or 3)");
  check_sides("antialias_resize", image, height, width);
  const OpContext ctx("antialias_resize", {{"image", &image}});
  Tensor out = ctx.empty<uint8_t>({height, width, image.dim(2)}, "image");
  kernels::AntialiasResizeArgs args;
  args.x = ctx.in<uint8_t>(image);
  args.y = ctx.out<uint8_t>(out);
  args.workspace = nullptr;
  args.height = image.dim(0);
  args.width = image.dim(1);
  args.channels = image.dim(2);
  args.x_stride_bytes = args.width * args.channels;
  args.out_height = height;
  args.out_width = width;
  const Tensor workspace = ctx.empty<uint8_t>(
      {static_cast<int64_t>(kernels::antialias_resize_workspace_bytes(args, ctx.device().backend))}, "resize");
  args.workspace = ctx.out<uint8_t>(workspace);
  ctx.run(kernels::antialias_resize, args);
  return out;
}

Tensor nearest_resize(const Tensor& mask, int64_t height, int64_t width) {
  ASSAY_CHECK(mask.rank() == 2, "nearest_resize: input has shape ", to_string(mask.shape()),
              ", expected (height, width)");
  check_sides("nearest_resize", mask, height, width);
  const OpContext ctx("nearest_resize", {{"mask", &mask}});
  Tensor out = ctx.empty<uint8_t>({height, width}, "mask");
  const Tensor positions = ctx.empty<int64_t>({height + width}, "resize");
  ctx.run(kernels::nearest_resize, {ctx.in<uint8_t>(mask), ctx.out<uint8_t>(out), ctx.out<int64_t>(positions),
                                    mask.dim(0), mask.dim(1), mask.dim(1), height, width});
  return out;
}

}  // namespace assay::ops
