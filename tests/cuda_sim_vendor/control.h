// SPDX-License-Identifier: Apache-2.0
// What tests may ask of the simulated cuBLASLt and cuDNN. Broken rules are in cuda_sim::take_reports().
#pragma once

#include <cstdint>

namespace assay::cuda_sim_vendor {

// How often cublasLtMatmulAlgoGetHeuristic was asked, so that tests can see a cache work.
int64_t num_heuristic_calls();

// How often cuDNN made a list of engines.
int64_t num_engine_lists();

// What cuDNN has no engine for, until told otherwise.
enum class CudnnRefusal { kNothing, kFusedGraphs, kGenericEngine, kEverything };
void refuse_graphs(CudnnRefusal what);

}  // namespace assay::cuda_sim_vendor
