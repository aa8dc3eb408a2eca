// SPDX-License-Identifier: Apache-2.0
// The list of parameters that an optimiser's kernels walk in one launch, whatever their number and sizes. Each tensor
// is cut into chunks; a block (CUDA) or piece (CPU) takes one. Both tables lie in the memory of the backend:
// make_chunks fills the chunk table on the host once, and the caller copies both tables to the device when they change.
#pragma once

#include <cstdint>
#include <vector>

namespace assay::kernels {

// One parameter with what an optimiser keeps beside it; what an optimiser does not use may be null.
struct OptimTensor {
  float* value;         // (count)
  const float* grad;    // (count)
  float* moment1;       // (count)  momentum, or mean of gradients
  float* moment2;       // (count)  mean of squared gradients
  float* most_moment2;  // (count)  the largest moment2 so far (amsgrad)
  int64_t count;        // >= 0
  int64_t first_chunk;  // set by make_chunks
  int64_t num_chunks;   // set by make_chunks
};

struct OptimChunk {
  int64_t tensor;
  int64_t first;  // element
};

// Elements of a chunk: 64 KiB of each array, some 100 microseconds of one CPU core, and enough chunks at 10 million
// parameters (600) to fill a GPU.
constexpr int64_t kOptimChunk = 16384;

struct ParameterList {
  const OptimTensor* tensors;  // (num_tensors)
  const OptimChunk* chunks;    // (num_chunks)
  int64_t num_tensors;         // >= 0
  int64_t num_chunks;          // >= 0
};

// Cuts the tensors, of which only `count` is read, and numbers their chunks. Tensors of no elements have none.
inline std::vector<OptimChunk> make_chunks(OptimTensor* tensors, int64_t num_tensors) {
  std::vector<OptimChunk> chunks;
  for (int64_t t = 0; t < num_tensors; ++t) {
    tensors[t].first_chunk = static_cast<int64_t>(chunks.size());
    for (int64_t first = 0; first < tensors[t].count; first += kOptimChunk) chunks.push_back({t, first});
    tensors[t].num_chunks = static_cast<int64_t>(chunks.size()) - tensors[t].first_chunk;
  }
  return chunks;
}

}  // namespace assay::kernels
