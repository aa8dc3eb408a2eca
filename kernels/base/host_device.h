// SPDX-License-Identifier: Apache-2.0
// For inline functions that C++ and CUDA sources share.
#pragma once

#if defined(__CUDACC__)
#define ASSAY_HOST_DEVICE __host__ __device__
#else
#define ASSAY_HOST_DEVICE
#endif
