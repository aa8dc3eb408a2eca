// SPDX-License-Identifier: Apache-2.0
// The inner loop of searches by bytes: 14 queries against the 32 rows of a panel. What it bounds: byte_search.h.
// To be called where byte_banks_work() alone.
#pragma once

#include <cstdint>

#include "kernels/knn/byte_block.h"
#include "kernels/knn/byte_panel.h"
#include "kernels/knn/packed_bank.h"

namespace assay::kernels {

struct ByteTile {
  alignas(64) int32_t sums[ByteBlock::kTile * kPanelRows];
  uint32_t masks[ByteBlock::kTile];  // of each query: the rows whose middle of the bounds reaches the threshold
};

// Slack of each query for a panel's rows, and with it the least middle of bounds that still counts. padded: a multiple
// of 16 up to ByteBlock::kPadded. rounding: (D + 128) 2^-24.
void set_thresholds(const ByteBlock& block, int64_t padded, const BytePanel& panel, float rounding);

// The tile of queries `first` to before first + 14. Whether any mask is not 0.
bool byte_tile(const ByteBlock& block, int64_t first, const BytePanel& panel, int64_t groups, ByteTile* out);

}  // namespace assay::kernels
