// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/interpolate/bicubic_resize.h"
#include "kernels/interpolate/bicubic_resize_ref.h"
#include "kernels/interpolate/bilinear_resize.h"
#include "kernels/interpolate/bilinear_resize_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

template <class Shape>
struct Grids {
  explicit Grids(const Shape& c)
      : shape(c),
        x(sample_floats(c.batch * c.height * c.width * c.channels)),
        y(c.batch * c.out_height * c.out_width * c.channels) {}
  // The first grid, and its shape.
  std::vector<float> first() const { return {x.begin(), x.begin() + shape.height * shape.width * shape.channels}; }
  Shape one() const {
    Shape s = shape;
    s.batch = 1;
    return s;
  }

  Shape shape;
  std::vector<float> x, y;
};

PreparedCase prepare(const BilinearResizeCase& c) {
  const auto g = std::make_shared<Grids<BilinearResizeCase>>(c);
  return {[g] {
            const BilinearResizeCase& s = g->shape;
            run(bilinear_resize, {g->x.data(), g->y.data(), s.height, s.width, s.channels, s.out_height, s.out_width,
                                  s.batch, s.alignment});
          },
          nullptr, [g] { return begins_with(g->y, bilinear_resize_ref(g->first(), g->one()).value, 1e-5); }};
}

PreparedCase prepare(const BicubicResizeCase& c) {
  const auto g = std::make_shared<Grids<BicubicResizeCase>>(c);
  return {[g] {
            const BicubicResizeCase& s = g->shape;
            run(bicubic_resize, {g->x.data(), g->y.data(), s.height, s.width, s.channels, s.out_height, s.out_width,
                                 s.step_down(), s.step_across(), s.batch});
          },
          nullptr, [g] { return begins_with(g->y, bicubic_resize_ref(g->first(), g->one()).value, 1e-5); }};
}

template <class Shape>
Case case_of(const char* kernel, const Shape& c, double flop_per_output) {
  const double inputs = static_cast<double>(c.batch * c.height * c.width * c.channels);
  const double outputs = static_cast<double>(c.batch * c.out_height * c.out_width * c.channels);
  const std::string shape = std::to_string(c.batch) + "x" + std::to_string(c.height) + "x" + std::to_string(c.width) +
                            "x" + std::to_string(c.channels) + ">" + std::to_string(c.out_height);
  return {kernel, shape, outputs * flop_per_output, 4 * (inputs + outputs), [c] { return prepare(c); }};
}

}  // namespace

std::vector<Case> interpolate_cases() {
  // Three interpolations of a product and a multiply-add; four sums of four and one more.
  return {case_of("bilinear_resize", BilinearResizeCase{16, 16, 1, 256, 256, 16}, 9),
          case_of("bilinear_resize", BilinearResizeCase{28, 28, 1, 256, 256, 16, PixelAlignment::kCorners}, 9),
          case_of("bilinear_resize", BilinearResizeCase{8, 8, 112, 16, 16, 16}, 9),
          case_of("bicubic_resize", BicubicResizeCase{37, 37, 384, 28, 28, 0.1}, 40)};
}

}  // namespace assay::bench
