// SPDX-License-Identifier: Apache-2.0
// One thread. The source column of each output column is looked up once for all rows.
#include <algorithm>

#include "kernels/resize/nearest_resize.h"

namespace assay::kernels {
namespace {

// The source pixels of consecutive outputs.
class Positions {
 public:
  Positions(int64_t in, int64_t out)
      : in_(in), step_(static_cast<double>(in) / static_cast<double>(out)), position_(step_ * 0.5) {}
  int64_t next() {
    const int64_t pixel = std::min(static_cast<int64_t>(position_), in_ - 1);
    position_ += step_;
    return pixel;
  }

 private:
  int64_t in_;
  double step_, position_;
};

}  // namespace

void nearest_resize_cpu(const NearestResizeArgs& args) {
  Positions across(args.width, args.out_width);
  for (int64_t i = 0; i < args.out_width; ++i) args.columns[i] = across.next();
  Positions down(args.height, args.out_height);
  for (int64_t row = 0; row < args.out_height; ++row) {
    const uint8_t* x = args.x + down.next() * args.x_stride_bytes;
    uint8_t* y = args.y + row * args.out_width;
    for (int64_t i = 0; i < args.out_width; ++i) y[i] = x[args.columns[i]];
  }
}

}  // namespace assay::kernels
