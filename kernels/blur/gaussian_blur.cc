// SPDX-License-Identifier: Apache-2.0
#include "kernels/blur/gaussian_blur.h"

namespace assay::kernels {

void gaussian_blur_cpu(const GaussianBlurArgs& args);                      // gaussian_blur_cpu.cc
void gaussian_blur_cuda(const GaussianBlurArgs& args, void* cuda_stream);  // gaussian_blur_cuda.cu

const KernelTable<GaussianBlurArgs> gaussian_blur = {"gaussian_blur", gaussian_blur_cpu,
                                                     ASSAY_CUDA_KERNEL(gaussian_blur_cuda)};

int64_t gaussian_blur_radius(double sigma) { return static_cast<int64_t>(4 * sigma + 0.5); }

int64_t gaussian_blur_workspace_floats(int64_t width, double sigma) {
  const int64_t radius = gaussian_blur_radius(sigma);
  return (radius + 1) + (width + 2 * radius);
}

int64_t gaussian_blur_workspace_floats(const GaussianBlurArgs& args, Backend backend) {
  if (backend == Backend::kCpu) return gaussian_blur_workspace_floats(args.width, args.sigma);
  return gaussian_blur_radius(args.sigma) + 1 + args.batch * args.height * args.width;
}

}  // namespace assay::kernels
