// SPDX-License-Identifier: Apache-2.0
// A kernel's entry points, one per backend. Tables are constants named in explicit lists; nothing registers itself.
#pragma once

#include "kernels/base/check.h"

namespace assay {

enum class Backend { kCpu, kCuda };

// Where a kernel runs. `cuda_stream` is a cudaStream_t and is only read by CUDA launchers.
struct StreamHandle {
  Backend backend = Backend::kCpu;
  void* cuda_stream = nullptr;
};

// A table's entry for its CUDA launcher: null in a build without CUDA. The only place that asks.
#if ASSAY_WITH_CUDA
#define ASSAY_CUDA_KERNEL(launcher) launcher
#else
#define ASSAY_CUDA_KERNEL(launcher) nullptr
#endif

// The same where cuBLASLt or cuDNN does the work if the build has them (--//tools/bzl:cuda_vendor_libraries).
#if ASSAY_WITH_CUDA_VENDOR
#define ASSAY_CUDA_VENDOR_KERNEL(vendor_launcher, own_launcher) vendor_launcher
#else
#define ASSAY_CUDA_VENDOR_KERNEL(vendor_launcher, own_launcher) ASSAY_CUDA_KERNEL(own_launcher)
#endif

template <class Args>
struct KernelTable {
  const char* name;
  void (*cpu)(const Args&);
  void (*cuda)(const Args&, void* cuda_stream);  // null where the build has no CUDA version
};

// Runs the kernel on the stream's backend. A missing backend is an error that names the kernel, never a fallback.
template <class Args>
void run(const KernelTable<Args>& kernel, const Args& args, const StreamHandle& stream = {}) {
  if (stream.backend == Backend::kCpu) {
    kernel.cpu(args);
    return;
  }
  ASSAY_CHECK(kernel.cuda != nullptr, kernel.name, ": no CUDA kernel in this build (configure with --config=cuda)");
  kernel.cuda(args, stream.cuda_stream);
}

}  // namespace assay
