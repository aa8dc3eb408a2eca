// SPDX-License-Identifier: Apache-2.0
#include "kernels/elementwise/convert_float16.h"

namespace assay::kernels {

void to_float16_cpu(const ToFloat16Args& args);      // convert_float16_cpu.cc
void from_float16_cpu(const FromFloat16Args& args);  // convert_float16_cpu.cc

const KernelTable<ToFloat16Args> to_float16 = {"to_float16", to_float16_cpu, nullptr};
const KernelTable<FromFloat16Args> from_float16 = {"from_float16", from_float16_cpu, nullptr};

}  // namespace assay::kernels
