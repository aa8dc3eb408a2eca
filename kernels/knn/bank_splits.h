// SPDX-License-Identifier: Apache-2.0
// How the CUDA searches cut a bank for blocks that scan it at the same time, when the queries alone would leave
// multiprocessors idle. Results do not depend on the cut.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/base/check.h"

namespace assay::kernels {

constexpr int64_t kSplitQueries = 128;              // queries of a block
constexpr int64_t kSplitRows = 128;                 // rows of a tile; parts are whole tiles
constexpr int64_t kMinTilesPerPart = 2;             // below, filling the pipeline costs more than idle multiprocessors
constexpr int64_t kWantedBlocks = 1056;             // four waves of two blocks on each of 132 multiprocessors (H100)
constexpr int64_t kMaxPartRows = int64_t{1} << 30;  // rows within a part are counted in 32 bits

struct BankSplits {
  int64_t parts;      // blocks that share a query block, >= 1
  int64_t part_rows;  // rows of a part, a multiple of kSplitRows; the last may have fewer
};

// At most max_parts where that leaves parts short enough.
inline BankSplits bank_splits(int64_t num_queries, int64_t rows, int64_t max_parts = INT64_MAX) {
  const auto pieces = [](int64_t count, int64_t size) { return (count + size - 1) / size; };
  const int64_t tiles = std::max<int64_t>(1, pieces(rows, kSplitRows));
  const int64_t query_blocks = std::max<int64_t>(1, pieces(num_queries, kSplitQueries));
  int64_t parts = std::min(kWantedBlocks / query_blocks, pieces(tiles, kMinTilesPerPart));
  parts = std::max({int64_t{1}, std::min(parts, max_parts), pieces(tiles * kSplitRows, kMaxPartRows)});
  const int64_t part_tiles = pieces(tiles, parts);
  return {pieces(tiles, part_tiles), part_tiles * kSplitRows};
}

// The cut that a workspace has room for, `part_bytes` for each part.
inline BankSplits bank_splits_within(const char* kernel, int64_t num_queries, int64_t rows, int64_t part_bytes,
                                     int64_t workspace_bytes) {
  const BankSplits splits = bank_splits(num_queries, rows, workspace_bytes / part_bytes);
  ASSAY_CHECK(splits.parts * part_bytes <= workspace_bytes, kernel, ": the workspace has ", workspace_bytes,
              " bytes, expected at least ", splits.parts * part_bytes, " on CUDA");
  return splits;
}

}  // namespace assay::kernels
