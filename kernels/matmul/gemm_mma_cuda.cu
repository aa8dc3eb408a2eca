// SPDX-License-Identifier: Apache-2.0
// Matrix products on tensor cores: a block per tile of C of 128 x 128 (8 warps of 64 x 32) or, where these would not
// fill the device or an operand is not aligned, of 64 x 64 (4 warps of 32 x 32). Slices of 64 bytes of K come by
// cp.async into three buffers, two under way while the third is multiplied, with one barrier a slice.
//
// A slice lies as rows of 64 bytes, four chunks of 16 each, chunk j of row r at place j ^ (r / 2 % 4): the eight rows
// of the same chunk that one ldmatrix phase reads, and the eight chunks of two rows that one store phase writes, then
// cover the 32 banks once each. Since fragments are the same in bytes for every type (tensor_core.cuh), so is all of
// this; a type is what one slab of 32 bytes of K is multiplied by.
#include <cuda_runtime.h>

#include "kernels/base/check.h"
#include "kernels/base/cuda_check.h"
#include "kernels/base/tensor_core.cuh"
#include "kernels/matmul/gemm_epilogue.cuh"
#include "kernels/matmul/gemm_mma.h"

namespace assay::kernels {

constexpr int kSliceBytes = 64;  // of K: 3 buffers of 2 x 128 rows are 48 KiB, the most without asking for more
constexpr int kChunkBytes = 16;
constexpr int kBuffers = 3;

struct MmaFloat16 {
  using Input = uint16_t;
  using Sum = float;
  static constexpr int kBlocksPerMultiprocessor = 2;
  __device__ __forceinline__ static void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_float16(c, a, b);
  }
};

struct MmaBfloat16 {
  using Input = uint16_t;
  using Sum = float;
  static constexpr int kBlocksPerMultiprocessor = 2;
  __device__ __forceinline__ static void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_bfloat16(c, a, b);
  }
};

struct MmaInt8 {
  using Input = int8_t;
  using Sum = int32_t;
  static constexpr int kBlocksPerMultiprocessor = 2;
  __device__ __forceinline__ static void multiply(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    multiply_add_int8(c, a, b);
  }
};

// The conversions of a fragment are the same for each product it takes part in: the compiler does them once.
struct MmaTf32 {
  using Input = float;
  using Sum = float;
  static constexpr int kBlocksPerMultiprocessor = 2;
  __device__ __forceinline__ static void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    const uint32_t x[4] = {round(a[0]), round(a[1]), round(a[2]), round(a[3])};
    const uint32_t y[2] = {round(b[0]), round(b[1])};
    multiply_add_tf32(c, x, y);
  }
  __device__ __forceinline__ static uint32_t round(uint32_t x) { return to_tf32(__uint_as_float(x)); }
};

struct Mma3xTf32 {
  using Input = float;
  using Sum = float;
  static constexpr int kBlocksPerMultiprocessor = 1;  // twice the fragments: 128 registers are too few
  __device__ __forceinline__ static void multiply(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    const uint32_t big_a[4] = {big(a[0]), big(a[1]), big(a[2]), big(a[3])};
    const uint32_t small_a[4] = {small(a[0]), small(a[1]), small(a[2]), small(a[3])};
    const uint32_t big_b[2] = {big(b[0]), big(b[1])}, small_b[2] = {small(b[0]), small(b[1])};
    multiply_add_tf32(c, small_a, big_b);
    multiply_add_tf32(c, big_a, small_b);
    multiply_add_tf32(c, big_a, big_b);
  }
  __device__ __forceinline__ static uint32_t big(uint32_t x) { return to_tf32(__uint_as_float(x)); }
  __device__ __forceinline__ static uint32_t small(uint32_t x) {
    return to_tf32(__uint_as_float(x) - __uint_as_float(big(x)));
  }
};

// ---- Slices

template <int kTile>
struct MmaTile {
  static constexpr int kWarpsDown = 2, kWarpsAcross = kTile / 32;
  static constexpr int kThreads = 32 * kWarpsDown * kWarpsAcross;
  static constexpr int kWarpRows = kTile / kWarpsDown;
  static constexpr int kOperandBytes = kTile * kSliceBytes;
  static constexpr int kBufferBytes = 2 * kOperandBytes;
};

__device__ __forceinline__ int chunk_place(int row, int chunk) {
  return row * kSliceBytes + (chunk ^ (row / 2 % 4)) * kChunkBytes;
}

// One operand of one matrix of the batch: element (row, k) at x[row * row_stride + k * k_stride].
template <class T>
struct MmaOperand {
  const T* x;
  int64_t rows, depth, row_stride, k_stride;
};

// 16 bytes of a row by single loads, zeros outside.
template <class T>
__device__ __forceinline__ uint4 gather_chunk(const MmaOperand<T>& m, int64_t row, int64_t k) {
  constexpr int kPerWord = 4 / sizeof(T);
  uint32_t word[4];
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    word[w] = 0;
#pragma unroll
    for (int i = 0; i < kPerWord; ++i) {
      const int64_t at = k + w * kPerWord + i;
      if (row >= m.rows || at >= m.depth) continue;
      const T value = m.x[row * m.row_stride + at * m.k_stride];
      if constexpr (sizeof(T) == 4) {
        word[w] = __float_as_uint(value);
      } else if constexpr (sizeof(T) == 2) {
        word[w] |= static_cast<uint32_t>(value) << (16 * i);
      } else {
        word[w] |= static_cast<uint32_t>(static_cast<uint8_t>(value)) << (8 * i);
      }
    }
  }
  return {word[0], word[1], word[2], word[3]};
}

// Where a thread's chunks of an aligned operand come from: always the same place within a slice, of rows that stand
// kThreads / 4 apart.
template <int kTile, class T>
class ChunkCopier {
 public:
  __device__ __forceinline__ ChunkCopier(const MmaOperand<T>& m, int64_t first_row)
      : safe_(m.x),
        from_(m.x + (first_row + row()) * m.row_stride + chunk() * kPerChunk),
        row_step_(kRowStep * m.row_stride),
        rows_left_(static_cast<int>(min(m.rows - first_row - row(), int64_t{kTile}))),
        depth_left_(m.depth - chunk() * kPerChunk) {}

  // Starts the copies of the next slice.
  __device__ __forceinline__ void copy_next(unsigned char* slice) {
    const int count = static_cast<int>(max(min(depth_left_, int64_t{kPerChunk}), int64_t{0}));
#pragma unroll
    for (int i = 0; i < kTile / kRowStep; ++i) {
      const int here = i * kRowStep < rows_left_ ? count : 0;
      copy_async<kChunkBytes>(slice + chunk_place(row() + i * kRowStep, chunk()),
                              here > 0 ? from_ + i * row_step_ : safe_, here * static_cast<int>(sizeof(T)));
    }
    from_ += kSliceBytes / sizeof(T);
    depth_left_ -= kSliceBytes / sizeof(T);
  }

 private:
  static constexpr int kPerChunk = kChunkBytes / sizeof(T), kRowStep = MmaTile<kTile>::kThreads / 4;
  __device__ __forceinline__ static int row() { return static_cast<int>(threadIdx.x) / 4; }
  __device__ __forceinline__ static int chunk() { return static_cast<int>(threadIdx.x) % 4; }

  const T* safe_;  // a valid address for copies of nothing
  const T* from_;
  int64_t row_step_;
  int rows_left_;
  int64_t depth_left_;
};

// Brings the slices of any operand, by loads of single elements and at once; neighbouring threads along what is
// contiguous in memory.
template <int kTile, class T>
class ChunkGatherer {
 public:
  __device__ __forceinline__ ChunkGatherer(const MmaOperand<T>& m, int64_t first_row)
      : m_(m), first_row_(first_row), k_(0) {}

  __device__ __forceinline__ void copy_next(unsigned char* slice) {
    constexpr int kChunks = kTile * (kSliceBytes / kChunkBytes), kPerChunk = kChunkBytes / sizeof(T);
    const bool along_k = m_.k_stride == 1;
#pragma unroll 1
    for (int c = threadIdx.x; c < kChunks; c += MmaTile<kTile>::kThreads) {
      const int row = along_k ? c / 4 : c % kTile, chunk = along_k ? c % 4 : c / kTile;
      *reinterpret_cast<uint4*>(slice + chunk_place(row, chunk)) =
          gather_chunk(m_, first_row_ + row, k_ + chunk * kPerChunk);
    }
    k_ += kSliceBytes / sizeof(T);
  }

 private:
  MmaOperand<T> m_;
  int64_t first_row_, k_;
};

// ---- Kernel

// Adds the products of one slice to a warp's sums: kWarpRows x 32 elements as fragments of 16 x 8.
template <int kTile, class Mma>
__device__ __forceinline__ void multiply_slice(const unsigned char* a, const unsigned char* b,
                                               typename Mma::Sum (&sum)[kTile / 32][4][4]) {
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
  const int first_row = warp / MmaTile<kTile>::kWarpsAcross * MmaTile<kTile>::kWarpRows;
  const int first_column = warp % MmaTile<kTile>::kWarpsAcross * 32;
#pragma unroll
  for (int slab = 0; slab < kSliceBytes / 32; ++slab) {
    uint32_t x[kTile / 32][4], y[4][2];
#pragma unroll
    for (int i = 0; i < kTile / 32; ++i) {
      // Matrices: rows 0-7, rows 8-15, and again for the second chunk of the slab.
      load_matrices_x4(x[i], a + chunk_place(first_row + i * 16 + lane % 16, slab * 2 + lane / 16));
    }
#pragma unroll
    for (int j = 0; j < 4; j += 2) {
      // Matrices: both chunks of columns 0-7, both of columns 8-15.
      uint32_t four[4];
      load_matrices_x4(four, b + chunk_place(first_column + j * 8 + lane / 16 * 8 + lane % 8, slab * 2 + lane / 8 % 2));
      y[j][0] = four[0], y[j][1] = four[1];
      y[j + 1][0] = four[2], y[j + 1][1] = four[3];
    }
#pragma unroll
    for (int i = 0; i < kTile / 32; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) Mma::multiply(sum[i][j], x[i], y[j]);
    }
  }
}

// Calls f(row, column, sum) for each element of the tile, a warp's calls running along a row so that what f stores is
// coalesced. Two fragments of each warp at a time pass through `shared`: 64 rows, in which column j of row r stands at
// j ^ 8 * (r % 4), so that neither side meets a bank conflict.
template <int kTile, class Sum, class F>
__device__ __forceinline__ void store_fragments(const Sum (&sum)[kTile / 32][4][4], Sum* shared, const F& f) {
  using Tile = MmaTile<kTile>;
  static_assert(64 * kTile * sizeof(Sum) <= kBuffers * Tile::kBufferBytes, "a phase does not fit");
  const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
#pragma unroll
  for (int phase = 0; phase < kTile / 64; ++phase) {
    __syncthreads();
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int row = warp / Tile::kWarpsAcross * 32 + i * 16 + lane / 4;  // and row + 8, where r % 4 is the same
        const int column = (warp % Tile::kWarpsAcross * 32 + j * 8 + lane % 4 * 2) ^ (row % 4 * 8);
        const Sum(&v)[4] = sum[phase * 2 + i][j];
        Sum* to = shared + row * kTile + column;
        to[0] = v[0], to[1] = v[1];
        to[8 * kTile] = v[2], to[8 * kTile + 1] = v[3];
      }
    }
    __syncthreads();
#pragma unroll 1
    for (int e = threadIdx.x; e < 64 * kTile; e += Tile::kThreads) {
      const int r = e / kTile, column = e % kTile;
      f(r / 32 * Tile::kWarpRows + phase * 32 + r % 32, column, shared[r * kTile + (column ^ (r % 4 * 8))]);
    }
  }
}

template <class Mma>
using MmaProblem = GemmProblem<typename Mma::Input, typename Mma::Sum>;

template <int kTile, class Mma, template <int, class> class Loader>
__device__ __forceinline__ void gemm_mma_tile(const MmaProblem<Mma>& args, unsigned char* shared) {
  using Input = typename Mma::Input;
  using Sum = typename Mma::Sum;
  using Tile = MmaTile<kTile>;
  constexpr int kSliceDepth = kSliceBytes / sizeof(Input);
  const TilePlace place = tile_place(blockIdx.x, (args.m + kTile - 1) / kTile, (args.n + kTile - 1) / kTile);
  const int64_t first_row = place.row * kTile, first_column = place.column * kTile;
  Loader<kTile, Input> a(MmaOperand<Input>{args.a + place.matrix * args.stride_a, args.m, args.k,
                                           args.transpose_a ? 1 : args.lda, args.transpose_a ? args.lda : 1},
                         first_row);
  Loader<kTile, Input> b(MmaOperand<Input>{args.b + place.matrix * args.stride_b, args.n, args.k,
                                           args.transpose_b ? args.ldb : 1, args.transpose_b ? 1 : args.ldb},
                         first_column);
  const int slices = static_cast<int>((args.k + kSliceDepth - 1) / kSliceDepth);
  int loaded = 0, into = 0;  // slices on their way or there; the buffer of the next
  const auto load = [&] {
    if (loaded < slices) {
      unsigned char* buffer = shared + into * Tile::kBufferBytes;
      a.copy_next(buffer);
      b.copy_next(buffer + Tile::kOperandBytes);
    }
    ++loaded;
    into = into + 1 == kBuffers ? 0 : into + 1;
    copy_async_commit();  // empty at the end, so that the count of groups goes on
  };

#pragma unroll
  for (int s = 0; s < kBuffers - 1; ++s) load();
  Sum sum[kTile / 32][4][4] = {};
  int from = 0;
  for (int s = 0; s < slices; ++s) {
    copy_async_wait<kBuffers - 2>();
    __syncthreads();  // slice s is there for all, and all have left the buffer that the next load fills
    load();
    const unsigned char* buffer = shared + from * Tile::kBufferBytes;
    multiply_slice<kTile, Mma>(buffer, buffer + Tile::kOperandBytes, sum);
    from = from + 1 == kBuffers ? 0 : from + 1;
  }

  Sum* c = args.c + place.matrix * args.stride_c;
  const float* residual = args.epilogue.residual;
  if (residual != nullptr) residual += place.matrix * args.epilogue.stride_residual;
  store_fragments<kTile>(sum, reinterpret_cast<Sum*>(shared), [&](int tile_row, int tile_column, Sum value) {
    const int64_t row = first_row + tile_row, column = first_column + tile_column;
    if (row >= args.m || column >= args.n) return;
    Sum* to = c + row * args.ldc + column;
    if constexpr (sizeof(Input) == 1) {
      *to = value;
    } else {
      store_product(args.epilogue, residual, value, row, column, to);
    }
  });
}

// Budget: 168 registers, 49152 bytes shared.
template <class Mma>
__global__ void __launch_bounds__(MmaTile<128>::kThreads, Mma::kBlocksPerMultiprocessor)
    gemm_mma_aligned_128(MmaProblem<Mma> args) {
  __shared__ __align__(128) unsigned char shared[kBuffers * MmaTile<128>::kBufferBytes];
  gemm_mma_tile<128, Mma, ChunkCopier>(args, shared);
}

// Budget: 128 registers, 24576 bytes shared.
template <class Mma>
__global__ void __launch_bounds__(MmaTile<64>::kThreads, 4) gemm_mma_aligned_64(MmaProblem<Mma> args) {
  __shared__ __align__(128) unsigned char shared[kBuffers * MmaTile<64>::kBufferBytes];
  gemm_mma_tile<64, Mma, ChunkCopier>(args, shared);
}

// Budget: 128 registers, 24576 bytes shared.
template <class Mma>
__global__ void __launch_bounds__(MmaTile<64>::kThreads, 4) gemm_mma_gathered_64(MmaProblem<Mma> args) {
  __shared__ __align__(128) unsigned char shared[kBuffers * MmaTile<64>::kBufferBytes];
  gemm_mma_tile<64, Mma, ChunkGatherer>(args, shared);
}

// ---- Launchers

namespace {

// Whether every row of an operand along K begins at a multiple of 16 bytes.
template <class T>
bool chunks_aligned(const T* x, int64_t ld, int64_t stride, bool along_k) {
  constexpr int64_t kPerChunk = kChunkBytes / sizeof(T);
  return along_k && reinterpret_cast<uintptr_t>(x) % kChunkBytes == 0 && ld % kPerChunk == 0 && stride % kPerChunk == 0;
}

template <class Mma>
void launch_gemm_mma(const char* name, const MmaProblem<Mma>& args, void* cuda_stream) {
  if (args.m == 0 || args.n == 0 || args.batch == 0) return;
  const auto stream = static_cast<cudaStream_t>(cuda_stream);
  const bool aligned = chunks_aligned(args.a, args.lda, args.stride_a, !args.transpose_a) &&
                       chunks_aligned(args.b, args.ldb, args.stride_b, args.transpose_b);
  const auto blocks = [&](int64_t tile) {
    return args.batch * ((args.m + tile - 1) / tile) * ((args.n + tile - 1) / tile);
  };
  if (aligned && args.m > 64 && args.n > 64 && blocks(128) >= kFillingBlocks) {
    const dim3 grid = cuda_grid(name, blocks(128)), block(MmaTile<128>::kThreads);
    gemm_mma_aligned_128<Mma><<<grid, block, 0, stream>>>(args);
    ASSAY_CUDA_CHECK_LAUNCH(name, grid, block);
    return;
  }
  const dim3 grid = cuda_grid(name, blocks(64)), block(MmaTile<64>::kThreads);
  if (aligned) {
    gemm_mma_aligned_64<Mma><<<grid, block, 0, stream>>>(args);
  } else {
    gemm_mma_gathered_64<Mma><<<grid, block, 0, stream>>>(args);
  }
  ASSAY_CUDA_CHECK_LAUNCH(name, grid, block);
}

}  // namespace

void gemm_float16_cuda(const Gemm16Args& args, void* cuda_stream) {
  launch_gemm_mma<MmaFloat16>("gemm_float16", args, cuda_stream);
}

void gemm_bfloat16_cuda(const Gemm16Args& args, void* cuda_stream) {
  launch_gemm_mma<MmaBfloat16>("gemm_bfloat16", args, cuda_stream);
}

void gemm_int8_cuda(const GemmInt8Args& args, void* cuda_stream) {
  ASSAY_CHECK(args.epilogue.is_plain(), "gemm_int8: an epilogue is given, expected none");
  launch_gemm_mma<MmaInt8>("gemm_int8", args, cuda_stream);
}

void gemm_tf32_cuda(const GemmArgs& args, void* cuda_stream) {
  launch_gemm_mma<MmaTf32>("gemm_tf32", args, cuda_stream);
}

void gemm_3xtf32_cuda(const GemmArgs& args, void* cuda_stream) {
  launch_gemm_mma<Mma3xTf32>("gemm_3xtf32", args, cuda_stream);
}

}  // namespace assay::kernels
