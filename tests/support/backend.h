// SPDX-License-Identifier: Apache-2.0
// The backend that this test program exercises: the CPU, or CUDA where it was started with --backend=cuda (on the
// simulator or on a GPU, whichever the program is linked to).
#pragma once

#include "kernels/base/kernel_table.h"

namespace assay::testing {

Backend test_backend();
inline bool on_cuda() { return test_backend() == Backend::kCuda; }
void set_test_backend(Backend backend);
// Reads the program's arguments; called by main.
void choose_test_backend(int argc, char** argv);

}  // namespace assay::testing
