// SPDX-License-Identifier: Apache-2.0
#include "engine/device/arithmetic.h"

#include "kernels/base/simd.h"
// simd.h comes first: it says which targets there are.
#include <hwy/targets.h>
#include <oneapi/dnnl/dnnl.h>

#include "engine/device/cuda_api.h"
#include "kernels/base/text.h"

namespace assay {

std::string arithmetic_of(const Device& device) {
  if (!device.is_cpu()) return cuda_api::properties(device.index).name;
  const auto targets = static_cast<uint64_t>(hwy::SupportedTargets());
  const auto best = static_cast<int64_t>(targets & (~targets + 1));  // a lower bit is a better target
  const dnnl_version_t* library = dnnl_version();
  return text("cpu ", hwy::TargetName(best), ", oneDNN ", library->major, ".", library->minor, ".", library->patch,
              " isa ", static_cast<int>(dnnl_get_effective_cpu_isa()));
}

}  // namespace assay
