// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/query_blocks.h"

#include <algorithm>
#include <atomic>

#include "kernels/base/parallel.h"

namespace assay::kernels {
namespace {

constexpr int64_t kBlockSizes[] = {112, 56, 28};   // 8, 4, 2 AVX-512 tiles: the bank is read once per block
constexpr int64_t kTileRounding = 16;              // a block is packed in whole tiles of at most 14 queries
constexpr int64_t kCachedBlockBytes = 480 * 1024;  // half an L2 cache of 1 MiB; the other half holds bank panels
constexpr int64_t kBlocksPerSlot = 4;              // so that no slot idles long at the end

int64_t block_queries(int64_t num_queries, int64_t dim, int64_t slots) {
  for (const int64_t size : kBlockSizes) {
    if (size * dim * static_cast<int64_t>(sizeof(float)) <= kCachedBlockBytes &&
        num_queries >= size * slots * kBlocksPerSlot) {
      return size;
    }
  }
  return kBlockSizes[2];
}

}  // namespace

int64_t query_block_slot_bytes(int64_t dim, int64_t other) {
  const int64_t bytes = (kMaxBlockQueries + kTileRounding) * dim * static_cast<int64_t>(sizeof(float));
  return (std::max(bytes, other) + 63) / 64 * 64;
}

void for_each_query_block(int64_t num_queries, int64_t dim, int64_t slot_bytes, void* workspace,
                          int64_t workspace_bytes, const std::function<void(int64_t, int64_t, float*)>& body) {
  const int64_t slots = std::max<int64_t>(1, workspace_bytes / slot_bytes);
  const int64_t size = block_queries(num_queries, dim, slots);
  const int64_t blocks = (num_queries + size - 1) / size;
  std::atomic<int64_t> next{0};
  parallel_for(std::min(slots, blocks), 1, [&](int64_t slot, int64_t) {
    float* scratch = reinterpret_cast<float*>(static_cast<char*>(workspace) + slot * slot_bytes);
    for (int64_t b = next++; b < blocks; b = next++) body(b * size, std::min(size, num_queries - b * size), scratch);
  });
}

}  // namespace assay::kernels
