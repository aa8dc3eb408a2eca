// SPDX-License-Identifier: Apache-2.0
// Which instruction sets vectorised kernels are compiled for: AVX-512, AVX2 with FMA, and plain scalar code for
// anything older. Include this before any Highway header, foreach_target.h too, or one source file would hold other
// targets.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)

#include <hwy/base.h>
