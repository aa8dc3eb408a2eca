// SPDX-License-Identifier: Apache-2.0
// The engines of the simulated cuDNN, modelled on what cuDNN 9.19 offers for float32 on an H100 (which it tells without
// one: real_cudnn_test.cc). A heuristic lists the inexact ones first, as the real one does: who does not read their
// notes gets wrong results.
#pragma once

namespace assay::cuda_sim_vendor {

enum Engine {
  kTensorCore = 48,        // rounds inputs to TF32
  kWinograd = 3,           // 3 x 3 at stride 1: sums with 14 bits
  kNondeterministic = 61,  // sums in an order that changes from call to call
  kExactWorkspace = 44,    // exact; rearranges the weights in a workspace
  kExact = 11,             // exact, without a workspace; equal paddings on all sides only
  kGeneric = 0,            // exact and slow, takes everything
};

}  // namespace assay::cuda_sim_vendor
