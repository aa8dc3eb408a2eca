// SPDX-License-Identifier: Apache-2.0
// Anomaly maps to the size of images, a coarser level to the finer grid, and DINOv2's position embedding.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/interpolate/bicubic_resize.h"
#include "kernels/interpolate/bicubic_resize_ref.h"
#include "kernels/interpolate/bilinear_resize.h"
#include "kernels/interpolate/bilinear_resize_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

template <class Shape>
struct Grids {
  explicit Grids(const Shape& c)
      : shape(c),
        x(samples(c.batch * c.height * c.width * c.channels, 1, -3, 4)),
        y(c.batch * c.out_height * c.out_width * c.channels) {}
  // The first grid, and its shape.
  std::vector<float> first() const { return x.values(0, shape.height * shape.width * shape.channels); }
  Shape one() const {
    Shape s = shape;
    s.batch = 1;
    return s;
  }

  Shape shape;
  Buffer<float> x, y;
};

PreparedCase prepare(const BilinearResizeCase& c) {
  const auto g = std::make_shared<Grids<BilinearResizeCase>>(c);
  return {[g] {
            const BilinearResizeCase& s = g->shape;
            launch(bilinear_resize, {g->x.data(), g->y.data(), s.height, s.width, s.channels, s.out_height, s.out_width,
                                     s.batch, s.alignment});
          },
          [g] { return begins_with(g->y, bilinear_resize_ref(g->first(), g->one()).value, 1e-5); }};
}

PreparedCase prepare(const BicubicResizeCase& c) {
  const auto g = std::make_shared<Grids<BicubicResizeCase>>(c);
  return {[g] {
            const BicubicResizeCase& s = g->shape;
            launch(bicubic_resize, {g->x.data(), g->y.data(), s.height, s.width, s.channels, s.out_height, s.out_width,
                                    s.step_down(), s.step_across(), s.batch});
          },
          [g] { return begins_with(g->y, bicubic_resize_ref(g->first(), g->one()).value, 1e-5); }};
}

template <class Shape>
Case case_of(const char* kernel, const Shape& c, double flop_per_output) {
  const double inputs = static_cast<double>(c.batch * c.height * c.width * c.channels);
  const double outputs = static_cast<double>(c.batch * c.out_height * c.out_width * c.channels);
  const std::string shape = shape_text({c.batch, c.height, c.width, c.channels}) + ">" + std::to_string(c.out_height);
  return {kernel, shape, outputs * flop_per_output, 4 * (inputs + outputs), [c] { return prepare(c); }};
}

}  // namespace

std::vector<Case> interpolate_cases(const Scale& s) {
  const int64_t b = s(16);
  // Three interpolations of a product and a multiply-add; four sums of four and one more.
  return {case_of("bilinear_resize", BilinearResizeCase{s(16, 2), s(16, 2), 1, s(256), s(256), b}, 9),
          case_of("bilinear_resize",
                  BilinearResizeCase{s(28, 2), s(28, 2), 1, s(256), s(256), b, PixelAlignment::kCorners}, 9),
          case_of("bilinear_resize", BilinearResizeCase{s(8, 2), s(8, 2), s(112), s(16, 4), s(16, 4), b}, 9),
          case_of("bicubic_resize", BicubicResizeCase{s(37, 5), s(37, 5), s(384), s(28, 4), s(28, 4), 0.1}, 40)};
}

}  // namespace assay::bench
