// SPDX-License-Identifier: Apache-2.0
// Gaussian blur of each map of a batch: y = G * x with G separable, weights exp(-i^2 / (2 sigma^2)) for |i| <= radius
// scaled to sum 1, radius = int(4 sigma + 0.5). Beyond the border the map is mirrored about its edge (d c b a | a b c d
// | d c b a), again and again where the radius exceeds the map's side. Equal to scipy.ndimage.gaussian_filter with its
// defaults (mode="reflect", truncate=4), which published anomaly maps are smoothed with, up to float rounding. sigma 0
// copies. Row-major, contiguous, float32. On the CPU one thread. Bits depend on the backend and its instruction set
// only. NaN and Inf spread to all pixels within the radius. The op layer has checked shapes; kernels do not check
// again.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"

namespace assay::kernels {

struct GaussianBlurArgs {
  const float* x;     // (B, H, W)
  float* y;           // (B, H, W)  must not overlap x
  float* workspace;   // gaussian_blur_workspace_floats() of them, overlapping neither
  int64_t height;     // H >= 0
  int64_t width;      // W >= 0
  double sigma;       // in pixels, >= 0, at most 1e6
  int64_t batch = 1;  // B >= 0
};
extern const KernelTable<GaussianBlurArgs> gaussian_blur;

int64_t gaussian_blur_radius(double sigma);
// Scratch of a blur of maps of this width on the CPU: the weights of one side and one padded row.
int64_t gaussian_blur_workspace_floats(int64_t width, double sigma);
// Scratch on either backend. On CUDA: the weights of one side and the maps blurred down their columns.
// Does not read x, y or workspace.
int64_t gaussian_blur_workspace_floats(const GaussianBlurArgs& args, Backend backend);

}  // namespace assay::kernels
