// SPDX-License-Identifier: Apache-2.0
#include "kernels/blur/gaussian_blur.h"

namespace assay::kernels {

void gaussian_blur_cpu(const GaussianBlurArgs& args);  // gaussian_blur_cpu.cc

const KernelTable<GaussianBlurArgs> gaussian_blur = {"gaussian_blur", gaussian_blur_cpu, nullptr};

int64_t gaussian_blur_radius(double sigma) { return static_cast<int64_t>(4 * sigma + 0.5); }

int64_t gaussian_blur_workspace_floats(int64_t width, double sigma) {
  const int64_t radius = gaussian_blur_radius(sigma);
  return (radius + 1) + (width + 2 * radius);
}

}  // namespace assay::kernels
