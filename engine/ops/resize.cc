// SPDX-License-Identifier: Apache-2.0
#include "engine/ops/resize.h"

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
  Tensor out = Tensor::empty<uint8_t>({height, width, image.dim(2)}, "image");
  kernels::AntialiasResizeArgs args;
  args.x = image.data<uint8_t>();
  args.y = out.data<uint8_t>();
  args.workspace = nullptr;
  args.height = image.dim(0);
  args.width = image.dim(1);
  args.channels = image.dim(2);
  args.x_stride_bytes = args.width * args.channels;
  args.out_height = height;
  args.out_width = width;
  const Tensor workspace =
      Tensor::empty<uint8_t>({static_cast<int64_t>(kernels::antialias_resize_workspace_bytes(args))}, "resize");
  args.workspace = workspace.raw();
  run(kernels::antialias_resize, args);
  return out;
}

Tensor nearest_resize(const Tensor& mask, int64_t height, int64_t width) {
  ASSAY_CHECK(mask.rank() == 2, "nearest_resize: input has shape ", to_string(mask.shape()),
              ", expected (height, width)");
  check_sides("nearest_resize", mask, height, width);
  Tensor out = Tensor::empty<uint8_t>({height, width}, "mask");
  const Tensor positions = Tensor::empty<int64_t>({height + width}, "resize");
  run(kernels::nearest_resize, {mask.data<uint8_t>(), out.data<uint8_t>(), positions.data<int64_t>(), mask.dim(0),
                                mask.dim(1), mask.dim(1), height, width});
  return out;
}

}  // namespace assay::ops
