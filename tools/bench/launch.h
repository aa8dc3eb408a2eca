// SPDX-License-Identifier: Apache-2.0
// Runs a case's kernel on the backend that the program was started for.
#pragma once

#include "kernels/base/kernel_table.h"
#include "tests/support/backend.h"

namespace assay::bench {

// The name of the kernel launched last, by which the program sees that a case runs what it says.
inline const char*& last_launched() {
  static const char* name = "";
  return name;
}

// A CUDA launch returns at once; who times it waits for the device (device.h).
template <class Args>
void launch(const KernelTable<Args>& kernel, const Args& args) {
  last_launched() = kernel.name;
  run(kernel, args, {testing::test_backend(), nullptr});
}

}  // namespace assay::bench
