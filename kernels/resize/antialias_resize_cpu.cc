// SPDX-License-Identifier: Apache-2.0
// One thread. Both passes are one loop of multiply-adds with lanes over neighbours that share their weights. Down the
// rows those are the bytes of a row. Along the columns they are 16 rows, which are transposed, filtered and transposed
// back: with lanes over an output's few taps, most lanes were idle and each output ended in a sum across lanes.
#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/resize_workspace.h"
#include "kernels/resize/triangle_taps.h"
// Before Highway's own headers.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/resize/antialias_resize_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kBlockRows = 16;  // int32 lanes of the widest vector, and bytes of the narrowest
constexpr int32_t kHalf = 1 << (kTapFractionBits - 1);

using Block = uint8_t[kBlockRows][kBlockRows];

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE void transpose(Block& block) {
  for (int64_t r = 0; r < kBlockRows; ++r) {
    for (int64_t c = 0; c < r; ++c) std::swap(block[r][c], block[c][r]);
  }
}

#else

// Interleaving the first half of the rows with the second four times is a transpose.
HWY_INLINE void transpose(Block& block) {
  const hn::FixedTag<uint8_t, kBlockRows> d;
  hn::Vec<decltype(d)> v[kBlockRows], w[kBlockRows];
  for (int64_t i = 0; i < kBlockRows; ++i) v[i] = hn::LoadU(d, block[i]);
  for (int step = 0; step < 4; ++step) {
    for (int64_t i = 0; i < kBlockRows / 2; ++i) {
      w[2 * i] = hn::InterleaveLower(d, v[i], v[i + kBlockRows / 2]);
      w[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + kBlockRows / 2]);
    }
    std::copy(w, w + kBlockRows, v);
  }
  for (int64_t i = 0; i < kBlockRows; ++i) hn::StoreU(v[i], d, block[i]);
}

#endif

// A copy of constant length is one move.
HWY_INLINE void copy_up_to_block(const uint8_t* from, int64_t count, uint8_t* to) {
  if (count >= kBlockRows) {
    std::memcpy(to, from, kBlockRows);
  } else {
    std::memcpy(to, from, count);
  }
}

// Up to 16 rows of row_bytes -> (row_bytes rounded up to 16, 16). What comes from past a row's end or from a row that
// is missing may be anything; nothing that counts is computed from it.
void rows_to_columns(const uint8_t* x, int64_t x_stride, int64_t num_rows, int64_t row_bytes, uint8_t* columns) {
  Block block = {};
  for (int64_t c = 0; c < row_bytes; c += kBlockRows) {
    for (int64_t r = 0; r < num_rows; ++r) copy_up_to_block(x + r * x_stride + c, row_bytes - c, block[r]);
    transpose(block);
    std::memcpy(columns + c * kBlockRows, block, sizeof(Block));
  }
}

// The way back: (row_bytes rounded up to 16, 16) -> num_rows rows.
void columns_to_rows(const uint8_t* columns, int64_t row_bytes, int64_t num_rows, uint8_t* y) {
  Block block;
  for (int64_t c = 0; c < row_bytes; c += kBlockRows) {
    std::memcpy(block, columns + c * kBlockRows, sizeof(Block));
    transpose(block);
    for (int64_t r = 0; r < num_rows; ++r) copy_up_to_block(block[r], row_bytes - c, y + r * row_bytes + c);
  }
}

// y[l] = sum over t of weights[t] * x[t * x_stride + l], for each lane l.
template <class D>
HWY_INLINE void filter_lanes(D d, const uint8_t* x, int64_t x_stride, const int32_t* weights, int64_t num_taps,
                             uint8_t* y) {
  const hn::Rebind<uint8_t, D> d8;
  auto sum = hn::Set(d, kHalf);
  for (int64_t t = 0; t < num_taps; ++t) {
    const auto pixels = hn::PromoteTo(d, hn::LoadU(d8, x + t * x_stride));
    sum = hn::Add(sum, hn::Mul(pixels, hn::Set(d, weights[t])));
  }
  hn::StoreU(hn::DemoteTo(d8, hn::ShiftRight<kTapFractionBits>(sum)), d8, y);
}

// The same for `count` neighbours.
HWY_INLINE void filter_run(const uint8_t* x, int64_t x_stride, const int32_t* weights, int64_t num_taps, int64_t count,
                           uint8_t* y) {
  const hn::CappedTag<int32_t, kBlockRows> d;
  const hn::CappedTag<int32_t, 1> one;
  const int64_t lanes = hn::Lanes(d);
  int64_t l = 0;
  for (; l + lanes <= count; l += lanes) filter_lanes(d, x + l, x_stride, weights, num_taps, y + l);
  for (; l < count; ++l) filter_lanes(one, x + l, x_stride, weights, num_taps, y + l);
}

// (H, W, C) -> (H, W2, C), contiguous. `columns` and `out_columns` hold 16 rows of x and of y, transposed.
void filter_columns(const AntialiasResizeArgs& a, const TriangleTaps& taps, uint8_t* columns, uint8_t* out_columns,
                    uint8_t* y) {
  const int64_t pixel_bytes = a.channels * kBlockRows, out_row_bytes = a.out_width * a.channels;
  for (int64_t row = 0; row < a.height; row += kBlockRows) {
    const int64_t num_rows = std::min(a.height - row, kBlockRows);
    rows_to_columns(a.x + row * a.x_stride_bytes, a.x_stride_bytes, num_rows, a.width * a.channels, columns);
    for (int64_t i = 0; i < a.out_width; ++i) {
      filter_run(columns + taps.first[i] * pixel_bytes, pixel_bytes, taps.weights + i * taps.stride, taps.num_taps[i],
                 pixel_bytes, out_columns + i * pixel_bytes);
    }
    columns_to_rows(out_columns, out_row_bytes, num_rows, y + row * out_row_bytes);
  }
}

// (H, row_bytes) -> (H2, row_bytes).
void filter_rows(const uint8_t* x, int64_t x_stride, const TriangleTaps& taps, int64_t out_height, int64_t row_bytes,
                 uint8_t* y) {
  for (int64_t i = 0; i < out_height; ++i) {
    filter_run(x + taps.first[i] * x_stride, x_stride, taps.weights + i * taps.stride, taps.num_taps[i], row_bytes,
               y + i * row_bytes);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {
namespace {

using HWY_NAMESPACE::kBlockRows;  // the same for every target

HWY_EXPORT(filter_columns);
HWY_EXPORT(filter_rows);

struct CpuWorkspace {
  CpuWorkspace(const AntialiasResizeArgs& a, WorkspacePieces pieces)
      : shared(a, 1, pieces),
        block(pieces.take<uint8_t>((a.width * a.channels + kBlockRows) * kBlockRows)),
        out_block(pieces.take<uint8_t>((a.out_width * a.channels + kBlockRows) * kBlockRows)),
        bytes(pieces.bytes()) {}

  ResizeWorkspace shared;
  uint8_t* block;      // (W * C rounded up, 16)  rows of x, transposed
  uint8_t* out_block;  // (W2 * C rounded up, 16)  rows of the narrowed image, transposed
  size_t bytes;
};

void copy_rows(const AntialiasResizeArgs& a) {
  const int64_t row_bytes = a.width * a.channels;
  for (int64_t row = 0; row < a.height; ++row) {
    std::memcpy(a.y + row * row_bytes, a.x + row * a.x_stride_bytes, row_bytes);
  }
}

// One image; the weights have been computed.
void resize_image(const AntialiasResizeArgs& args, const CpuWorkspace& w) {
  const bool changes_width = args.out_width != args.width;
  const bool changes_height = args.out_height != args.height;
  if (!changes_width && !changes_height) return copy_rows(args);
  const uint8_t* rows = args.x;
  int64_t rows_stride = args.x_stride_bytes;
  const int64_t row_bytes = args.out_width * args.channels;
  if (changes_width) {
    uint8_t* narrowed = changes_height ? w.shared.narrowed : args.y;
    HWY_DYNAMIC_DISPATCH(filter_columns)(args, w.shared.columns, w.block, w.out_block, narrowed);
    rows = narrowed;
    rows_stride = row_bytes;
  }
  if (!changes_height) return;
  HWY_DYNAMIC_DISPATCH(filter_rows)(rows, rows_stride, w.shared.rows, args.out_height, row_bytes, args.y);
}

}  // namespace

size_t antialias_resize_workspace_bytes_cpu(const AntialiasResizeArgs& args) {
  return CpuWorkspace(args, WorkspacePieces(nullptr)).bytes;
}

void antialias_resize_cpu(const AntialiasResizeArgs& args) {
  const CpuWorkspace w(args, WorkspacePieces(args.workspace));
  if (args.out_width != args.width) compute_triangle_taps(args.width, args.out_width, w.shared.columns);
  if (args.out_height != args.height) compute_triangle_taps(args.height, args.out_height, w.shared.rows);
  AntialiasResizeArgs image = args;
  for (int64_t b = 0; b < args.batch; ++b) {
    resize_image(image, w);
    image.x += args.height * args.x_stride_bytes;
    image.y += args.out_height * args.out_width * args.channels;
  }
}

}  // namespace assay::kernels
#endif
