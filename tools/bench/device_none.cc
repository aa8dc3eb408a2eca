// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/check.h"
#include "tools/bench/device.h"

namespace assay::bench {

bool has_gpu(std::string* reason) {
  *reason = "no CUDA in this build";
  return false;
}
std::string gpu_description() { throw Error("no CUDA in this build"); }
void wait_for_gpu() {}
double measure_gpu_fma_flop_per_s() { throw Error("no CUDA in this build"); }
double measure_gpu_read_bytes_per_s() { throw Error("no CUDA in this build"); }
void allocate_for_gpu() { throw Error("no CUDA in this build"); }

}  // namespace assay::bench
