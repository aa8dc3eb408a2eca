// SPDX-License-Identifier: Apache-2.0
// Runs a test once for each instruction set that kernels are compiled for and this machine has.
#pragma once

#include "kernels/base/simd.h"
// simd.h comes first: it says which targets there are.
#include <hwy/targets.h>

namespace assay::testing {

// Calls body(name) with kernels restricted to one target after another ("AVX3" is AVX-512), then lifts the restriction.
// Not to be called while kernels run elsewhere.
template <class Body>
void for_each_simd_target(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(target);
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace assay::testing
