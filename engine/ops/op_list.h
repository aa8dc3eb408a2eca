// SPDX-License-Identifier: Apache-2.0
// Every op and the kernels it runs, for the test that walks them: an op without a kernel of some backend, or without an
// example, fails there and not at a user's.
#pragma once

#include <vector>

#include "kernels/base/kernel_table.h"

namespace assay::ops {

struct ListedKernel {
  const char* name;
  bool has_cpu;
  bool has_cuda;  // false for all in a build without CUDA
};

struct ListedOp {
  const char* name;
  std::vector<ListedKernel> kernels;
};

const std::vector<ListedOp>& op_list();

}  // namespace assay::ops
