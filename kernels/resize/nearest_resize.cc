// SPDX-License-Identifier: Apache-2.0
#include "kernels/resize/nearest_resize.h"

namespace assay::kernels {

void nearest_resize_cpu(const NearestResizeArgs& args);  // nearest_resize_cpu.cc

const KernelTable<NearestResizeArgs> nearest_resize = {"nearest_resize", nearest_resize_cpu, nullptr};

}  // namespace assay::kernels
