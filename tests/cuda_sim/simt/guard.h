// SPDX-License-Identifier: Apache-2.0
// What keeps a kernel from taking the process with it in silence: a crash inside a kernel says where it was, and a
// thread that runs for ever without waiting ends the process.
#pragma once

namespace assay::cuda_sim {

class Block;

// While it lives, the calling OS thread runs kernels on `block`.
class KernelGuard {
 public:
  explicit KernelGuard(const Block& block);
  ~KernelGuard();
  KernelGuard(const KernelGuard&) = delete;
  KernelGuard& operator=(const KernelGuard&) = delete;
};

}  // namespace assay::cuda_sim
