// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/antialias_resize_ref.h"
#include "kernels/resize/nearest_resize.h"
#include "kernels/resize/nearest_resize_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Sizes {
  int64_t batch, height, width, channels, out_height, out_width;
};

struct Images {
  explicit Images(const Sizes& s)
      : x(sample_bytes(s.batch * s.height * s.width * s.channels)),
        y(s.batch * s.out_height * s.out_width * s.channels),
        args{x.data(),     y.data(),    nullptr, s.height, s.width, s.channels, s.width * s.channels,
             s.out_height, s.out_width, s.batch},
        workspace(antialias_resize_workspace_bytes(args)) {
    args.workspace = workspace.data();
  }
  // The first image: the reference knows of no batch.
  bool holds() const { return begins_with(y, antialias_resize_ref(args), antialias_resize_tolerance(args)); }

  std::vector<uint8_t> x, y;
  AntialiasResizeArgs args;
  std::vector<uint8_t> workspace;
};

struct Masks {
  explicit Masks(const Sizes& s)
      : x(sample_bytes(s.batch * s.height * s.width)),
        y(s.batch * s.out_height * s.out_width),
        positions(s.out_height + s.out_width),
        args{x.data(), y.data(), positions.data(), s.height, s.width, s.width, s.out_height, s.out_width, s.batch} {}
  bool holds() const {
    for (int64_t row = 0; row < args.out_height; ++row) {
      const int64_t h = nearest_pixel_ref(args.height, args.out_height, row);
      for (int64_t i = 0; i < args.out_width; ++i) {
        if (nearest_is_tie_ref(args.height, args.out_height, row) ||
            nearest_is_tie_ref(args.width, args.out_width, i)) {
          continue;
        }
        if (y[row * args.out_width + i] != x[h * args.width + nearest_pixel_ref(args.width, args.out_width, i)]) {
          return false;
        }
      }
    }
    return true;
  }

  std::vector<uint8_t> x, y;
  std::vector<int64_t> positions;
  NearestResizeArgs args;
};

std::string shape_of(const Sizes& s) {
  return std::to_string(s.batch) + "x" + std::to_string(s.height) + "x" + std::to_string(s.width) + "x" +
         std::to_string(s.channels) + ">" + std::to_string(s.out_height);
}

PreparedCase prepare_antialias(const Sizes& s) {
  const auto images = std::make_shared<Images>(s);
  return {[images] { run(antialias_resize, images->args); }, nullptr, [images] { return images->holds(); }};
}

PreparedCase prepare_nearest(const Sizes& s) {
  const auto masks = std::make_shared<Masks>(s);
  return {[masks] { run(nearest_resize, masks->args); }, nullptr, [masks] { return masks->holds(); }};
}

}  // namespace

std::vector<Case> resize_cases() {
  std::vector<Case> cases;
  for (const Sizes& s : {Sizes{16, 900, 900, 3, 256, 256}, Sizes{16, 1024, 768, 3, 296, 222}}) {
    const double inputs = static_cast<double>(s.batch * s.height * s.width * s.channels);
    const double outputs = static_cast<double>(s.batch * s.out_height * s.out_width * s.channels);
    // Multiply-adds of whole numbers. Shrinking, a pixel lies under two triangles along each axis.
    const double narrowed = static_cast<double>(s.batch * s.height * s.out_width * s.channels);
    cases.push_back({"antialias_resize", shape_of(s), 2 * 2 * (inputs + narrowed), inputs + outputs,
                     [s] { return prepare_antialias(s); }});
  }
  const Sizes s = {16, 900, 900, 1, 256, 256};
  const double outputs = static_cast<double>(s.batch * s.out_height * s.out_width);
  cases.push_back({"nearest_resize", shape_of(s), 0, 2 * outputs, [s] { return prepare_nearest(s); }});
  return cases;
}

}  // namespace assay::bench
