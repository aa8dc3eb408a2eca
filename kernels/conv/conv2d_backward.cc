// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv2d_backward.h"

#include <algorithm>

namespace assay::kernels {

void conv2d_backward_data_cpu(const Conv2dBackwardDataArgs& args);                      // conv2d_backward_cpu.cc
void conv2d_backward_weight_cpu(const Conv2dBackwardWeightArgs& args);                  // conv2d_backward_cpu.cc
void conv2d_backward_data_cuda(const Conv2dBackwardDataArgs& args, void* cuda_stream);  // conv2d_backward_data_cuda.cu
void conv2d_backward_weight_cuda(const Conv2dBackwardWeightArgs& args,
                                 void* cuda_stream);  // conv2d_backward_weight_cuda.cu

const KernelTable<Conv2dBackwardDataArgs> conv2d_backward_data = {"conv2d_backward_data", conv2d_backward_data_cpu,
                                                                  ASSAY_CUDA_KERNEL(conv2d_backward_data_cuda)};
const KernelTable<Conv2dBackwardWeightArgs> conv2d_backward_weight = {
    "conv2d_backward_weight", conv2d_backward_weight_cpu, ASSAY_CUDA_KERNEL(conv2d_backward_weight_cuda)};

namespace {

// Two blocks for each of an H100's 132 multiprocessors; pieces below 256 cells are mostly the reading of their sums.
constexpr int64_t kBlocksWanted = 264;
constexpr int64_t kLeastCells = 256;
constexpr int64_t kMostPieces = 128;
constexpr int64_t kTile = 64;

}  // namespace

int64_t conv2d_backward_weight_pieces(const ConvShape& s) {
  const int64_t tiles = ((s.out_channels + kTile - 1) / kTile) * ((s.window() + kTile - 1) / kTile);
  return std::clamp<int64_t>(std::min(kBlocksWanted / tiles, s.num_cells() / kLeastCells), 1, kMostPieces);
}

size_t conv2d_backward_weight_workspace_bytes(Backend backend, const ConvShape& shape) {
  if (backend == Backend::kCpu) return 0;
  const int64_t pieces = conv2d_backward_weight_pieces(shape);
  return pieces == 1 ? 0 : static_cast<size_t>(pieces * shape.num_weights()) * sizeof(float);
}

}  // namespace assay::kernels
