// SPDX-License-Identifier: Apache-2.0
// Main loop of matrix products in float32 without tensor cores: a block of 256 threads computes a tile of kTile x kTile
// elements, each thread kTile/16 x kTile/16 of them, over slices of K in shared memory. While a slice is multiplied,
// the next is on its way to registers; two buffers make one barrier a slice enough.
//
// Where elements come from is the business of a cursor, which stands at a row (a column of B counts as one) and a k:
//   kAlongK:      whether load() gives four consecutive k of one row, or four consecutive rows at one k;
//   load():       these, zeros outside the matrix;
//   advance(n):   to k + n.
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

// The first `left` of four elements (none where left < 1), zeros for the rest.
template <class Count>
__device__ __forceinline__ float4 load_four(const float* x, Count left, bool vector) {
  if (vector && left >= 4) return *reinterpret_cast<const float4*>(x);
  float4 v = {0, 0, 0, 0};
  if (left > 0) v.x = x[0];
  if (left > 1) v.y = x[1];
  if (left > 2) v.z = x[2];
  if (left > 3) v.w = x[3];
  return v;
}

// ---- Cursors over a matrix in memory

struct TileMatrix {
  const float* x;
  int64_t stride;       // of rows along K, of k along rows
  int64_t rows, depth;  // depth: K
  bool vector;          // float4 loads are aligned
};

class CursorAlongK {  // element (r, k) at x[r * stride + k]
 public:
  static constexpr bool kAlongK = true;
  __device__ __forceinline__ CursorAlongK(const TileMatrix& m, int64_t row, int k)
      : x_(m.x + row * m.stride + k), left_(row < m.rows ? m.depth - k : 0), vector_(m.vector) {}
  __device__ __forceinline__ float4 load() const { return load_four(x_, left_, vector_); }
  __device__ __forceinline__ void advance(int step) {
    x_ += step;
    left_ -= step;
  }

 private:
  const float* x_;
  int64_t left_;  // of the row; 0 or less outside
  bool vector_;
};

class CursorAlongRows {  // element (r, k) at x[k * stride + r]
 public:
  static constexpr bool kAlongK = false;
  __device__ __forceinline__ CursorAlongRows(const TileMatrix& m, int64_t row, int k)
      : x_(m.x + k * m.stride + row),
        stride_(m.stride),
        depth_left_(m.depth - k),
        rows_left_(static_cast<int>(min(m.rows - row, int64_t{4}))),
        vector_(m.vector) {}
  __device__ __forceinline__ float4 load() const { return load_four(x_, depth_left_ > 0 ? rows_left_ : 0, vector_); }
  __device__ __forceinline__ void advance(int step) {
    x_ += step * stride_;
    depth_left_ -= step;
  }

 private:
  const float* x_;
  int64_t stride_, depth_left_;
  int rows_left_;
  bool vector_;
};

// ---- A slice on its way from global to shared memory: each thread carries four elements

template <int kTile, class Cursor>
class SliceStage {
 public:
  template <class Source>
  __device__ __forceinline__ SliceStage(const Source& source, int64_t first_row)
      : cursor_(source, first_row + row(), k()) {}

  __device__ __forceinline__ void fetch() {
    value_ = cursor_.load();
    cursor_.advance(Shape::kDepth);
  }
  __device__ __forceinline__ void store(float* slice) const {
    float* y = slice + Shape::place(k(), row());
    if constexpr (Cursor::kAlongK) {
      y[0] = value_.x;
      y[kTile] = value_.y;
      y[2 * kTile] = value_.z;
      y[3 * kTile] = value_.w;
    } else {
      *reinterpret_cast<float4*>(y) = value_;
    }
  }

 private:
  using Shape = SliceShape<kTile>;
  __device__ __forceinline__ static int k() {
    const int thread = threadIdx.x;
    return Cursor::kAlongK ? thread % Shape::kQuads * 4 : thread / (kTile / 4);
  }
  __device__ __forceinline__ static int row() {
    const int thread = threadIdx.x;
    return Cursor::kAlongK ? thread / Shape::kQuads : thread % (kTile / 4) * 4;
  }

  Cursor cursor_;
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
  const int slices = static_cast<int>((depth + SliceShape<kTile>::kDepth - 1) / SliceShape<kTile>::kDepth);
  if (slices == 0) return;
  a.fetch();
  b.fetch();
  a.store(shared);
  b.store(shared + kSliceFloats);
  __syncthreads();
  for (int s = 0; s < slices; ++s) {
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

// Calls f(row, column, value) for each element of the tile, a warp's calls running along a row so that what f stores is
// coalesced. The tile passes through `shared`, 16 elements a thread at a time, and f's code is there but kTile^2 / 4096
// times, not once per element. All threads of the block take part; f synchronises nothing.
template <int kTile, class F>
__device__ __forceinline__ void for_each_element(const float (&sum)[kTile / 16][kTile / 16], float* shared,
                                                 const F& f) {
  constexpr int kSide = kTile / 16, kRows = 16 / kSide;  // rows of each thread in one phase
  static_assert(kTileSharedFloats >= 16 * kTileThreads, "a phase does not fit");
  const int down = static_cast<int>(threadIdx.x) / kThreadsAcross, across = threadIdx.x % kThreadsAcross;
#pragma unroll
  for (int phase = 0; phase < kSide / kRows; ++phase) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < kRows; ++i) {
#pragma unroll
      for (int j = 0; j < kSide; j += 4) {
        const float* v = sum[phase * kRows + i] + j;
        *reinterpret_cast<float4*>(shared + (down * kRows + i) * kTile + tile_offset(across, j)) = {v[0], v[1], v[2],
                                                                                                    v[3]};
      }
    }
    __syncthreads();
#pragma unroll 1
    for (int e = threadIdx.x; e < 16 * kTileThreads; e += kTileThreads) {
      const int r = e / kTile, column = e % kTile;
      f(tile_offset(r / kRows, phase * kRows + r % kRows), column, shared[e]);
    }
  }
}

}  // namespace assay::kernels
