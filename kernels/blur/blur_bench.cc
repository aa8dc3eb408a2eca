// SPDX-License-Identifier: Apache-2.0
// Anomaly maps of a batch, and of one large image.
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/blur/gaussian_blur.h"
#include "kernels/blur/gaussian_blur_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Maps {
  explicit Maps(const GaussianBlurCase& c)
      : shape(c),
        x(samples(c.batch * c.height * c.width, 1)),
        y(x.size()),
        args{x.data(), y.data(), nullptr, c.height, c.width, c.sigma, c.batch},
        workspace(static_cast<int64_t>(gaussian_blur_workspace_floats(args, testing::test_backend()))) {
    args.workspace = workspace.data();
  }
  bool hold() const {
    GaussianBlurCase one = shape;
    one.batch = 1;
    return begins_with(y, gaussian_blur_ref(x.values(0, shape.height * shape.width), one).value, 1e-5);
  }

  GaussianBlurCase shape;
  Buffer<float> x, y;
  GaussianBlurArgs args;
  Buffer<float> workspace;
};

PreparedCase prepare(const GaussianBlurCase& c) {
  const auto maps = std::make_shared<Maps>(c);
  return {[maps] { launch(gaussian_blur, maps->args); }, [maps] { return maps->hold(); }};
}

}  // namespace

std::vector<Case> blur_cases(const Scale& s) {
  std::vector<Case> cases;
  for (const GaussianBlurCase& c :
       {GaussianBlurCase{s(256), s(256), 4, s(16)}, GaussianBlurCase{s(1024), s(1024), 4, 1}}) {
    const double pixels = static_cast<double>(c.batch * c.height * c.width);
    const double radius = static_cast<double>(gaussian_blur_radius(c.sigma));
    // Along each axis a product for the centre, and for each pair of taps an addition and a multiply-add.
    cases.push_back({"gaussian_blur", shape_text({c.batch, c.height, c.width}), pixels * 2 * (1 + 3 * radius),
                     pixels * 8, [c] { return prepare(c); }});
  }
  return cases;
}

}  // namespace assay::bench
