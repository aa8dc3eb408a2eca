// SPDX-License-Identifier: Apache-2.0
// conv2d (conv2d.h) on CUDA by cuDNN 9, in builds that have the library. Exact float32: engines that round inputs
// (TF32), transform them (Winograd, FFT) or sum in an order that changes are passed over. The same shape, alignment,
// workspace, kind of GPU and version of the library give the same bits.
//
// The first call with a shape asks cuDNN for its engines and keeps the plan it makes: milliseconds, once per shape and
// device. Thread-safe.
#pragma once

#include <cstdint>

#include "kernels/conv/conv2d.h"

namespace assay::kernels {

void conv2d_cudnn_cuda(const Conv2dArgs& args, void* cuda_stream);

// Bytes of workspace with which the current device's fastest exact engine works; pointers count by their alignment.
// Conv2dArgs::workspace may be smaller, or null: the fastest engine that makes do with it is taken.
int64_t conv2d_cudnn_workspace_bytes(const Conv2dArgs& args);

}  // namespace assay::kernels
