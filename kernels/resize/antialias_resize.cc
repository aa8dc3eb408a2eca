// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize/antialias_resize.h"

namespace assay::kernels {

void antialias_resize_cpu(const AntialiasResizeArgs& args);  // antialias_resize_cpu.cc

const KernelTable<AntialiasResizeArgs> antialias_resize = {"antialias_resize", antialias_resize_cpu, nullptr};

}  // namespace assay::kernels
