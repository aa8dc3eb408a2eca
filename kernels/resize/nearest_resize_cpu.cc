// SPDX-License-Identifier: Apache-2.0
// One thread. The source pixels of each axis are computed once for all masks.
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
  int64_t* rows = args.positions;
  int64_t* columns = args.positions + args.out_height;
  Positions down(args.height, args.out_height), across(args.width, args.out_width);
  for (int64_t i = 0; i < args.out_height; ++i) rows[i] = down.next();
  for (int64_t i = 0; i < args.out_width; ++i) columns[i] = across.next();
  for (int64_t b = 0; b < args.batch; ++b) {
    for (int64_t row = 0; row < args.out_height; ++row) {
      const uint8_t* x = args.x + (b * args.height + rows[row]) * args.x_stride_bytes;
      uint8_t* y = args.y + (b * args.out_height + row) * args.out_width;
      for (int64_t i = 0; i < args.out_width; ++i) y[i] = x[columns[i]];
    }
  }
}

}  // namespace assay::kernels
