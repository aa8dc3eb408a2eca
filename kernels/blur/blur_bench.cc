// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/blur/gaussian_blur.h"
#include "kernels/blur/gaussian_blur_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Maps {
  explicit Maps(const GaussianBlurCase& c)
      : shape(c),
        x(sample_floats(c.batch * c.height * c.width)),
        y(x.size()),
        args{x.data(), y.data(), nullptr, c.height, c.width, c.sigma, c.batch},
        workspace(gaussian_blur_workspace_floats(args, Backend::kCpu)) {
    args.workspace = workspace.data();
  }
  bool holds() const {
    GaussianBlurCase one = shape;
    one.batch = 1;
    const std::vector<float> first(x.begin(), x.begin() + shape.height * shape.width);
    return begins_with(y, gaussian_blur_ref(first, one).value, 1e-5);
  }

  GaussianBlurCase shape;
  std::vector<float> x, y;
  GaussianBlurArgs args;
  std::vector<float> workspace;
};

PreparedCase prepare(const GaussianBlurCase& c) {
  const auto maps = std::make_shared<Maps>(c);
  return {[maps] { run(gaussian_blur, maps->args); }, nullptr, [maps] { return maps->holds(); }};
}

}  // namespace

std::vector<Case> blur_cases() {
  std::vector<Case> cases;
  for (const GaussianBlurCase& c : {GaussianBlurCase{256, 256, 4, 16}, GaussianBlurCase{1024, 1024, 4, 1}}) {
    const double pixels = static_cast<double>(c.batch * c.height * c.width);
    const double radius = static_cast<double>(gaussian_blur_radius(c.sigma));
    // Along each axis a product for the centre, and for each pair of taps an addition and a multiply-add.
    cases.push_back({"gaussian_blur",
                     std::to_string(c.batch) + "x" + std::to_string(c.height) + "x" + std::to_string(c.width),
                     pixels * 2 * (1 + 3 * radius), pixels * 8, [c] { return prepare(c); }});
  }
  return cases;
}

}  // namespace assay::bench
