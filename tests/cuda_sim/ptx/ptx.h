// SPDX-License-Identifier: Apache-2.0
// Everything that translated PTX calls.
#pragma once

#include "tests/cuda_sim/ptx/approx.h"
#include "tests/cuda_sim/ptx/atomic.h"
#include "tests/cuda_sim/ptx/bitwise.h"
#include "tests/cuda_sim/ptx/compare.h"
#include "tests/cuda_sim/ptx/convert.h"
#include "tests/cuda_sim/ptx/memory.h"
#include "tests/cuda_sim/ptx/special.h"
#include "tests/cuda_sim/ptx/tensor.h"
#include "tests/cuda_sim/ptx/warp.h"
#include "tests/cuda_sim/simt/thread.h"
