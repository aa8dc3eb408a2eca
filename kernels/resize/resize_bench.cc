// SPDX-License-Identifier: Apache-2.0
// Batches of photographs to the size that is looked at, and their masks.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/antialias_resize_ref.h"
#include "kernels/resize/nearest_resize.h"
#include "kernels/resize/nearest_resize_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Sizes {
  int64_t batch, height, width, channels, out_height, out_width;
  int64_t inputs() const { return batch * height * width * channels; }
  int64_t outputs() const { return batch * out_height * out_width * channels; }
};

struct Images {
  explicit Images(const Sizes& s)
      : x(sample_integers<uint8_t>(s.inputs(), 1, 256)),
        y(s.outputs()),
        args{x.data(),     y.data(),    nullptr, s.height, s.width, s.channels, s.width * s.channels,
             s.out_height, s.out_width, s.batch},
        workspace(static_cast<int64_t>(antialias_resize_workspace_bytes(args, testing::test_backend()))) {
    args.workspace = workspace.data();
  }
  // The first image: the reference knows of no batch.
  bool hold() const {
    const std::vector<uint8_t> first = x.values(0, args.height * args.x_stride_bytes);
    AntialiasResizeArgs host = args;
    host.x = first.data();
    return begins_with(y, antialias_resize_ref(host), antialias_resize_tolerance(host));
  }

  Buffer<uint8_t> x, y;
  AntialiasResizeArgs args;
  Buffer<uint8_t> workspace;
};

struct Masks {
  explicit Masks(const Sizes& s)
      : x(sample_integers<uint8_t>(s.inputs(), 1, 256)),
        y(s.outputs()),
        positions(s.out_height + s.out_width),
        args{x.data(), y.data(), positions.data(), s.height, s.width, s.width, s.out_height, s.out_width, s.batch} {}
  // The first mask, ties aside.
  bool hold() const {
    const std::vector<uint8_t> first = x.values(0, args.height * args.width),
                               found = y.values(0, args.out_height * args.out_width);
    for (int64_t row = 0; row < args.out_height; ++row) {
      const int64_t h = nearest_pixel_ref(args.height, args.out_height, row);
      for (int64_t i = 0; i < args.out_width; ++i) {
        if (nearest_is_tie_ref(args.height, args.out_height, row) ||
            nearest_is_tie_ref(args.width, args.out_width, i)) {
          continue;
        }
        if (found[row * args.out_width + i] !=
            first[h * args.width + nearest_pixel_ref(args.width, args.out_width, i)]) {
          return false;
        }
      }
    }
    return true;
  }

  Buffer<uint8_t> x, y;
  Buffer<int64_t> positions;
  NearestResizeArgs args;
};

std::string shape_of(const Sizes& s) {
  return shape_text({s.batch, s.height, s.width, s.channels}) + ">" + std::to_string(s.out_height);
}

PreparedCase prepare_antialias(const Sizes& s) {
  const auto images = std::make_shared<Images>(s);
  return {[images] { launch(antialias_resize, images->args); }, [images] { return images->hold(); }};
}

PreparedCase prepare_nearest(const Sizes& s) {
  const auto masks = std::make_shared<Masks>(s);
  return {[masks] { launch(nearest_resize, masks->args); }, [masks] { return masks->hold(); }};
}

}  // namespace

std::vector<Case> resize_cases(const Scale& scale) {
  const int64_t b = scale(16);
  std::vector<Case> cases;
  for (const Sizes& s : {Sizes{b, scale(900), scale(900), 3, scale(256), scale(256)},
                         Sizes{b, scale(1024), scale(768), 3, scale(296), scale(222)}}) {
    // Multiply-adds of whole numbers. Shrinking, a pixel lies under two triangles along each axis.
    const double narrowed = static_cast<double>(s.batch * s.height * s.out_width * s.channels);
    cases.push_back({"antialias_resize", shape_of(s), 2 * 2 * (static_cast<double>(s.inputs()) + narrowed),
                     static_cast<double>(s.inputs() + s.outputs()), [s] { return prepare_antialias(s); }, "u8"});
  }
  const Sizes s = {b, scale(900), scale(900), 1, scale(256), scale(256)};
  cases.push_back({"nearest_resize", shape_of(s), 0, 2 * static_cast<double>(s.outputs()),
                   [s] { return prepare_nearest(s); }, "u8"});
  return cases;
}

}  // namespace assay::bench
