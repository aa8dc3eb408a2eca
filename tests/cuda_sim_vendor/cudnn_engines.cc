// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim_vendor/cudnn_engines.h"

#include <atomic>

#include "tests/cuda_sim_vendor/control.h"
#include "tests/cuda_sim_vendor/cudnn_descriptors.h"

namespace assay::cuda_sim_vendor {
namespace {

std::atomic<int> refusal{static_cast<int>(CudnnRefusal::kNothing)};
std::atomic<int64_t> heuristics{0};

bool clips(const Descriptor& graph) {
  for (const Descriptor* operation : graph.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
    const Descriptor* mode = operation->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR
                                 ? operation->child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)
                                 : nullptr;
    if (mode != nullptr && mode->has(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP)) return true;
  }
  return false;
}

}  // namespace

void refuse_graphs(CudnnRefusal what) { refusal = static_cast<int>(what); }
int64_t num_engine_lists() { return heuristics; }

std::vector<int> engines_for(const Descriptor& graph, cudnnBackendHeurMode_t mode) {
  ++heuristics;
  const std::vector<Descriptor*> operations = graph.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const auto refused = static_cast<CudnnRefusal>(refusal.load());
  if (refused == CudnnRefusal::kEverything) return {};
  if (refused == CudnnRefusal::kFusedGraphs && operations.size() > 1) return {};
  const ConvGeometry g = geometry_of(*operations[0]);
  const bool even = g.pad_before[0] == g.pad_after[0] && g.pad_before[1] == g.pad_after[1];
  std::vector<int> engines;
  const bool generic_alone = clips(graph);
  if (mode != CUDNN_HEUR_MODE_FALLBACK && !generic_alone) {
    engines.push_back(kTensorCore);
    if (g.kernel_height == 3 && g.kernel_width == 3 && g.stride[0] == 1 && g.stride[1] == 1) {
      engines.push_back(kWinograd);
    }
    engines.push_back(kNondeterministic);
    engines.push_back(kExactWorkspace);
  }
  if (even && !generic_alone) engines.push_back(kExact);
  if (refused != CudnnRefusal::kGenericEngine) engines.push_back(kGeneric);
  return engines;
}

std::vector<cudnnBackendNumericalNote_t> notes_of(int engine) {
  switch (engine) {
    case kTensorCore:
      return {CUDNN_NUMERICAL_NOTE_TENSOR_CORE};
    case kWinograd:
      return {CUDNN_NUMERICAL_NOTE_WINOGRAD, CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4};
    case kNondeterministic:
      return {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
    case kGeneric:
      return {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP};
    default:
      return {};
  }
}

int64_t engine_workspace_bytes(int engine, const Descriptor& graph) {
  if (engine != kExactWorkspace) return 0;
  const ConvGeometry g = geometry_of(*graph.all<Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS)[0]);
  return g.out_channels * g.channels * g.kernel_height * g.kernel_width * 4 + 16;
}

}  // namespace assay::cuda_sim_vendor
