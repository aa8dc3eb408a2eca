// SPDX-License-Identifier: Apache-2.0
#include "kernels/coreset/byte_centers.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/coreset/center_distance.h"
#include "kernels/knn/byte_bank.h"
#include "kernels/knn/byte_tile.h"

namespace assay::kernels {
namespace {

constexpr int kTile = ByteBlock::kTile;

int64_t in_lines(int64_t bytes) { return (bytes + 63) / 64 * 64; }

// The middle of bounds that a centre needs to lie nearer than `minimum`, slack apart:
//   |x - c|^2 < minimum  <=>  x.c - |c|^2 / 2 > (|x|^2 - minimum) / 2
// lowered by what float32 distances may be off, (D + 4) 2^-23 of them, and by what rounding |x|^2 / 2 takes.
float least_middle(float start, float minimum, int64_t dim) {
  const double half_norm = -static_cast<double>(start);
  const double reach = static_cast<double>(minimum) * (1 + std::ldexp(static_cast<double>(dim + 4), -23));
  return static_cast<float>(
      std::max(half_norm * (1 - 0x1p-20) - 0.5 * reach, -static_cast<double>(std::numeric_limits<float>::max())));
}

}  // namespace

bool ByteCenters::fit(int64_t num_points, int64_t dim) {
  constexpr int64_t kMinPoints = 2048;  // below, it is done before bytes are worth it
  return num_points >= kMinPoints && byte_bank_helps(num_points, dim);
}

int64_t ByteCenters::bytes(int64_t num_points, int64_t dim, int64_t count) {
  if (!fit(num_points, dim)) return 0;
  const int64_t panels = (count + kPanelRows - 1) / kPanelRows;
  return in_lines(panels * BytePanel::bytes(dim)) + in_lines(num_points * byte_width(dim)) +
         in_lines(num_points * static_cast<int64_t>(sizeof(ByteRow))) + in_lines(num_points * 4);
}

ByteCenters::ByteCenters(const GreedyKCenterArgs& args, void* memory) : a_(args) {
  if (!fit(a_.num_points, a_.dim)) return;
  const int64_t width = byte_width(a_.dim);
  std::byte* at = static_cast<std::byte*>(memory);
  panels_ = at;
  at += in_lines((a_.count + kPanelRows - 1) / kPanelRows * BytePanel::bytes(a_.dim));
  codes_ = reinterpret_cast<int8_t*>(at);
  at += in_lines(a_.num_points * width);
  rows_ = reinterpret_cast<ByteRow*>(at);
  at += in_lines(a_.num_points * static_cast<int64_t>(sizeof(ByteRow)));
  starts_ = reinterpret_cast<float*>(at);
  std::atomic<bool> tame{true};
  parallel_for(a_.num_points, 256, [&](int64_t begin, int64_t end) {
    std::vector<float> turned(width);
    for (int64_t i = begin; i < end; ++i) {
      const float* x = a_.points + i * a_.dim;
      rows_[i] = encode_row(x, a_.dim, turned.data(), codes_ + i * width);
      if (!is_tame(rows_[i])) tame = false;
      double squares = 0;
      for (int64_t d = 0; d < a_.dim; ++d) squares += static_cast<double>(x[d]) * x[d];
      starts_[i] = static_cast<float>(-0.5 * squares);
    }
  });
  usable_ = tame;
}

void ByteCenters::add(int64_t point) {
  const int64_t r = num_centers_ % kPanelRows;
  const BytePanel last = panel(num_centers_ / kPanelRows);
  if (r == 0) last.clear(a_.dim);
  last.put(r, rows_[point], starts_[point], codes_ + point * byte_width(a_.dim), a_.dim);
  ++num_centers_;
}

void ByteCenters::show(const int32_t* points, int64_t num_points, float enough, float* minimum, int32_t* seen) const {
  constexpr int64_t kPointsPerPiece = 4 * kMaxBlockQueries;  // fewer are not worth the threads' waiting for each other
  parallel_for(num_points, kPointsPerPiece, [&](int64_t begin, int64_t end) {
    std::vector<std::byte> scratch(ByteBlock::bytes(a_.dim, 0) + 64);
    const uintptr_t at = (reinterpret_cast<uintptr_t>(scratch.data()) + 63) / 64 * 64;
    for (int64_t first = begin; first < end; first += kMaxBlockQueries) {
      const int64_t count = std::min(kMaxBlockQueries, end - first);
      show_group(points + first, count, enough, minimum, seen, reinterpret_cast<void*>(at));
    }
  });
}

void ByteCenters::show_group(const int32_t* points, int64_t count, float enough, float* minimum, int32_t* seen,
                             void* scratch) const {
  constexpr int64_t kMaxTiles = ByteBlock::kPadded / kTile + 1;
  const int64_t width = byte_width(a_.dim), tiles = (count + kTile - 1) / kTile;
  const float rounding = std::ldexp(static_cast<float>(a_.dim + 128), -24);
  ByteBlock block(scratch, a_.dim, 0);
  block.clear(count, a_.dim);
  int64_t next_panel[kMaxTiles];  // of each tile
  std::fill(next_panel, next_panel + kMaxTiles, (num_centers_ - 1) / kPanelRows);
  for (int64_t q = 0; q < count; ++q) {
    const int64_t i = points[q];
    block.put(q, rows_[i], codes_ + i * width, a_.dim, rounding);
    block.best[q] = least_middle(starts_[i], minimum[i], a_.dim);
    next_panel[q / kTile] = std::min<int64_t>(next_panel[q / kTile], seen[i] / kPanelRows);
  }
  bool done[kMaxTiles] = {};
  ByteTile tile;
  const int64_t num_panels = (num_centers_ + kPanelRows - 1) / kPanelRows;
  for (int64_t p = *std::min_element(next_panel, next_panel + tiles); p < num_panels; ++p) {
    set_thresholds(block, (count + 15) / 16 * 16, panel(p), rounding);
    int64_t left = 0;
    for (int64_t t = 0; t < tiles; ++t) {
      if (done[t]) continue;
      ++left;
      if (p < next_panel[t]) continue;
      next_panel[t] = p + 1;
      if (!byte_tile(block, t * kTile, panel(p), width / kByteGroup, &tile)) continue;
      done[t] = true;
      for (int64_t r = 0; r < kTile && t * kTile + r < count; ++r) {
        const int64_t i = points[t * kTile + r];
        float& m = minimum[i];
        for (uint32_t mask = tile.masks[r]; mask != 0; mask &= mask - 1) {
          const int64_t center = a_.selected[p * kPanelRows + __builtin_ctz(mask)];
          m = lowered(m, center_distance2(a_.points + i * a_.dim, a_.points + center * a_.dim, a_.dim));
        }
        if (tile.masks[r] != 0) block.best[t * kTile + r] = least_middle(starts_[i], m, a_.dim);
        if (m >= enough) done[t] = false;
      }
    }
    if (left == 0) break;
  }
  for (int64_t q = 0; q < count; ++q) {
    const int64_t shown = std::min(num_centers_, next_panel[q / kTile] * kPanelRows);
    seen[points[q]] = std::max(seen[points[q]], static_cast<int32_t>(shown));
  }
}

}  // namespace assay::kernels
