// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/check.h"
#include "tools/bench/device.h"

namespace assay::bench {
namespace {
constexpr const char* kNoCuda = "no CUDA in this build";
}

bool has_gpu(std::string* reason) {
  *reason = kNoCuda;
  return false;
}
std::string gpu_description() { throw Error(kNoCuda); }
int64_t gpu_cache_bytes() { throw Error(kNoCuda); }
void wait_for_gpu() { throw Error(kNoCuda); }
double measure_gpu_flop_per_s(Arithmetic) { throw Error(kNoCuda); }
double measure_gpu_read_bytes_per_s() { throw Error(kNoCuda); }

}  // namespace assay::bench
