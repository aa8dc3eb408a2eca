// SPDX-License-Identifier: Apache-2.0
#include "kernels/interpolate/bilinear_resize.h"

namespace assay::kernels {

void bilinear_resize_cpu(const BilinearResizeArgs& args);  // bilinear_resize_cpu.cc

const KernelTable<BilinearResizeArgs> bilinear_resize = {"bilinear_resize", bilinear_resize_cpu, nullptr};

}  // namespace assay::kernels
