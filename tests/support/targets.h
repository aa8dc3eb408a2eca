// SPDX-License-Identifier: Apache-2.0
// Runs a test once for each way in which the backend under test can compute: on the CPU for each instruction set that
// kernels are compiled for and this machine has, on CUDA once.
#pragma once

#include "kernels/base/simd.h"
#include "tests/support/backend.h"
// simd.h comes first: it says which targets there are.
#include <hwy/targets.h>

namespace assay::testing {

// Calls body(name) with CPU kernels restricted to one target after another ("AVX3" is AVX-512), then lifts the
// restriction; or once with "CUDA". Not to be called while kernels run elsewhere.
template <class Body>
void for_each_target(const Body& body) {
  if (on_cuda()) {
    body("CUDA");
    return;
  }
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace assay::testing
