// SPDX-License-Identifier: Apache-2.0
// Main loop of matrix products in float32 without tensor cores: a block of 256 threads computes a tile of kTile x kTile
// elements, each thread kTile/16 x kTile/16 of them, over slices of K in shared memory. While a slice is multiplied,
// the next is on its way to registers; two buffers make one barrier a slice enough.
//
// Where elements come from is the business of a source. Two kinds:
//   along K:    Row row(int64_t r); void seek(int64_t k); float4 load(const Row&); void advance(int step);
//               load gives elements k .. k+3 of a row, zeros outside; advance adds to k.
//   along rows: float4 load(int64_t r, int64_t k): elements of rows r .. r+3 at k, zeros outside.
//
// A slice has as many elements as float4 loads of one per thread bring: 8 of K for a tile of 128, 16 for one of 64. It
// lies as [k][row], so that a thread reads its rows by float4. Row r of depth k stands at r ^ kTurn * (k / 4): stores
// of four consecutive k by one thread then meet no bank conflict, and aligned runs of 8 rows stay together.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace assay::kernels {

constexpr int kTileThreads = 256;
constexpr int kThreadsAcross = 16;
constexpr int kSliceFloats = 4 * kTileThreads;       // of one operand
constexpr int kTileSharedFloats = 4 * kSliceFloats;  // two operands, two buffers

template <int kTile>
struct SliceShape {
  static constexpr int kDepth = kSliceFloats / kTile;
  static constexpr int kQuads = kDepth / 4;  // runs of four k
  static constexpr int kTurn = 32 / kQuads;  // a warp stores kQuads runs of this many rows at once: 32 banks
  __device__ __forceinline__ static int place(int k, int row) { return k * kTile + (row ^ (k / 4 * kTurn)); }
};

__device__ __forceinline__ float4 load_four(const float* x, int64_t left, bool vector) {
  if (vector && left >= 4) return *reinterpret_cast<const float4*>(x);
  float4 v = {0, 0, 0, 0};
  if (left > 0) v.x = x[0];
  if (left > 1) v.y = x[1];
  if (left > 2) v.z = x[2];
  if (left > 3) v.w = x[3];
  return v;
}

// ---- Sources over a matrix in memory. `vector`: float4 loads are aligned.

struct MatrixAlongK {  // element (r, k) at x[r * stride + k]
  static constexpr bool kAlongK = true;
  using Row = const float*;  // null outside
  const float* x;
  int64_t stride, rows, depth;
  bool vector;
  int64_t k;

  __device__ __forceinline__ Row row(int64_t r) const { return r < rows ? x + r * stride : nullptr; }
  __device__ __forceinline__ void seek(int64_t start) { k = start; }
  __device__ __forceinline__ float4 load(Row row) const {
    return load_four(row + k, row != nullptr ? depth - k : 0, vector);
  }
  __device__ __forceinline__ void advance(int step) { k += step; }
};

struct MatrixAlongRows {  // element (r, k) at x[k * stride + r]
  static constexpr bool kAlongK = false;
  const float* x;
  int64_t stride, rows, depth;
  bool vector;

  __device__ __forceinline__ float4 load(int64_t r, int64_t k) const {
    return load_four(x + k * stride + r, k < depth ? rows - r : 0, vector);
  }
};

// ---- A slice on its way from global to shared memory: each thread carries four elements

template <int kTile, class Source, bool kAlongK = Source::kAlongK>
class SliceStage;

// Elements k .. k+3 of one row.
template <int kTile, class Source>
class SliceStage<kTile, Source, true> {
 public:
  __device__ __forceinline__ SliceStage(const Source& source, int64_t first_row)
      : source_(source), row_(source.row(first_row + row())) {
    source_.seek(k());
  }
  __device__ __forceinline__ void fetch() {
    value_ = source_.load(row_);
    source_.advance(Shape::kDepth);
  }
  __device__ __forceinline__ void store(float* slice) const {
    float* y = slice + Shape::place(k(), row());
    y[0] = value_.x;
    y[kTile] = value_.y;
    y[2 * kTile] = value_.z;
    y[3 * kTile] = value_.w;
  }

 private:
  using Shape = SliceShape<kTile>;
  __device__ __forceinline__ static int k() { return static_cast<int>(threadIdx.x) % Shape::kQuads * 4; }
  __device__ __forceinline__ static int row() { return static_cast<int>(threadIdx.x) / Shape::kQuads; }

  Source source_;
  typename Source::Row row_;
  float4 value_;
};

// Rows r .. r+3 at one k.
template <int kTile, class Source>
class SliceStage<kTile, Source, false> {
 public:
  __device__ __forceinline__ SliceStage(const Source& source, int64_t first_row)
      : source_(source), row_(first_row + row()), k_(k()) {}
  __device__ __forceinline__ void fetch() {
    value_ = source_.load(row_, k_);
    k_ += SliceShape<kTile>::kDepth;
  }
  __device__ __forceinline__ void store(float* slice) const {
    *reinterpret_cast<float4*>(slice + SliceShape<kTile>::place(k(), row())) = value_;
  }

 private:
  __device__ __forceinline__ static int row() { return static_cast<int>(threadIdx.x) % (kTile / 4) * 4; }
  __device__ __forceinline__ static int k() { return static_cast<int>(threadIdx.x) / (kTile / 4); }

  Source source_;
  int64_t row_, k_;
  float4 value_;
};

// ---- Multiplication

// Where a thread's element i (0 .. kTile/16 - 1) of its row or column of elements lies in the tile, `place` being its
// place among the 16 threads: runs of four, 64 apart.
__device__ __forceinline__ int tile_offset(int place, int i) { return place * 4 + i / 4 * 64 + i % 4; }

template <int kTile>
__device__ __forceinline__ void multiply_slice(const float* a, const float* b, float (&sum)[kTile / 16][kTile / 16]) {
  using Shape = SliceShape<kTile>;
  constexpr int kSide = kTile / 16;
  const int down = static_cast<int>(threadIdx.x) / kThreadsAcross, across = threadIdx.x % kThreadsAcross;
#pragma unroll
  for (int k = 0; k < Shape::kDepth; ++k) {
    float x[kSide], y[kSide];
#pragma unroll
    for (int i = 0; i < kSide; i += 4) {
      const float4 u = *reinterpret_cast<const float4*>(a + Shape::place(k, tile_offset(down, i)));
      const float4 v = *reinterpret_cast<const float4*>(b + Shape::place(k, tile_offset(across, i)));
      x[i] = u.x, x[i + 1] = u.y, x[i + 2] = u.z, x[i + 3] = u.w;
      y[i] = v.x, y[i + 1] = v.y, y[i + 2] = v.z, y[i + 3] = v.w;
    }
#pragma unroll
    for (int i = 0; i < kSide; ++i) {
#pragma unroll
      for (int j = 0; j < kSide; ++j) sum[i][j] = fmaf(x[i], y[j], sum[i][j]);
    }
  }
}

// Adds the product of `depth` columns of a and b to sum, in the order of K. All threads of the block take part.
// `shared` holds kTileSharedFloats, aligned to 16 bytes.
template <int kTile, class StageA, class StageB>
__device__ __forceinline__ void multiply_tile(StageA& a, StageB& b, int64_t depth, float* shared,
                                              float (&sum)[kTile / 16][kTile / 16]) {
  const int64_t slices = (depth + SliceShape<kTile>::kDepth - 1) / SliceShape<kTile>::kDepth;
  if (slices == 0) return;
  a.fetch();
  b.fetch();
  a.store(shared);
  b.store(shared + kSliceFloats);
  __syncthreads();
  for (int64_t s = 0; s < slices; ++s) {
    const bool more = s + 1 < slices;
    if (more) {
      a.fetch();
      b.fetch();
    }
    float* here = shared + s % 2 * (2 * kSliceFloats);
    float* next = shared + (s + 1) % 2 * (2 * kSliceFloats);
    multiply_slice<kTile>(here, here + kSliceFloats, sum);
    if (more) {
      a.store(next);
      b.store(next + kSliceFloats);
    }
    __syncthreads();
  }
}

}  // namespace assay::kernels
