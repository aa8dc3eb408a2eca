// SPDX-License-Identifier: Apache-2.0
// Greedy k-center on CUDA: one kernel a step, all steps in one stream without the host waiting for any. Eight lanes a
// point read 128 bytes at a time; the farthest point leaves a block as one 64-bit key (distance bits above, inverted
// index below, so that the largest key is the farthest point of lowest index) by an atomic maximum, which does not
// depend on the order. The next step reads its centre from that key.
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/base/cuda_check.h"
#include "kernels/coreset/greedy_k_center.h"

namespace assay::kernels {

using Key = unsigned long long;

constexpr int kPassThreads = 256;
constexpr int kPointLanes = 8;  // 8 lanes x 16 bytes: whole cache lines, and four points in flight a warp
constexpr int kPassPoints = kPassThreads / kPointLanes;
constexpr int kPassBlocks = 5;                                  // a multiprocessor: registers allow no more
constexpr int64_t kMaxPassBlocks = int64_t{132} * kPassBlocks;  // one wave of an H100
constexpr int kKeys = 3;  // of this step, of the next, and the last step's, to be cleared

// ---- Device helpers

// A key above any other of a smaller distance (>= 0), and above those of the same distance and a higher index.
__device__ __forceinline__ Key farthest_key(float distance2, int64_t index) {
  return static_cast<Key>(__float_as_uint(distance2)) << 32 | (0xffffffffu - static_cast<uint32_t>(index));
}
__device__ __forceinline__ int64_t key_index(Key key) { return 0xffffffffu - static_cast<uint32_t>(key); }
__device__ __forceinline__ float key_distance2(Key key) { return __uint_as_float(static_cast<unsigned>(key >> 32)); }

// This lane's share of a squared distance: elements 4 l .. 4 l + 3 of each 32. The order is the same for any alignment.
template <bool kAligned>
__device__ __forceinline__ float lane_distance2(const float* x, const float* center, int64_t dim, int lane) {
  float sum = 0;
  for (int64_t d = lane * 4; d < dim; d += kPointLanes * 4) {
    if (kAligned) {
      const float4 a = *reinterpret_cast<const float4*>(x + d), b = *reinterpret_cast<const float4*>(center + d);
      sum = fmaf(a.x - b.x, a.x - b.x, sum);
      sum = fmaf(a.y - b.y, a.y - b.y, sum);
      sum = fmaf(a.z - b.z, a.z - b.z, sum);
      sum = fmaf(a.w - b.w, a.w - b.w, sum);
    } else {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float difference = d + e < dim ? x[d + e] - center[d + e] : 0.0f;
        sum = fmaf(difference, difference, sum);
      }
    }
  }
  return sum;
}

__device__ __forceinline__ Key larger(Key a, Key b) { return a > b ? a : b; }

// ---- Kernels

// Budget: 32 registers, 0 bytes shared.
__global__ void __launch_bounds__(kPassThreads)
    greedy_k_center_start_thread_per_point(float* minimum, Key* keys, int64_t num_points, int64_t start) {
  const int64_t stride = int64_t{gridDim.x} * kPassThreads;
  for (int64_t i = int64_t{blockIdx.x} * kPassThreads + threadIdx.x; i < num_points; i += stride) minimum[i] = INFINITY;
  if (blockIdx.x == 0 && threadIdx.x < kKeys) keys[threadIdx.x] = threadIdx.x == 0 ? farthest_key(0, start) : 0;
}

// Step `step`: takes the point that keys[step % 3] names, lowers all minima, leaves the farthest in the next key.
// Budget: 48 registers, 64 bytes shared.
template <bool kAligned>
__global__ void __launch_bounds__(kPassThreads, kPassBlocks)
    greedy_k_center_pass_eight_lanes_per_point(GreedyKCenterArgs a, float* minimum, Key* keys, int64_t step) {
  __shared__ Key warp_keys[kPassThreads / 32];
  const Key taken = keys[step % kKeys];
  const int64_t center = key_index(taken);
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    a.selected[step] = center;
    if (step > 0) a.radius2[step - 1] = key_distance2(taken);
    keys[(step + 2) % kKeys] = 0;  // the last step's, which nobody reads any more
  }
  const int lane = threadIdx.x % kPointLanes;
  Key farthest = 0;
  for (int64_t first = int64_t{blockIdx.x} * kPassPoints; first < a.num_points;
       first += int64_t{gridDim.x} * kPassPoints) {
    const int64_t point = first + threadIdx.x / kPointLanes;
    const bool inside = point < a.num_points;
    float distance2 = 0;
    if (inside) distance2 = lane_distance2<kAligned>(a.points + point * a.dim, a.points + center * a.dim, a.dim, lane);
#pragma unroll
    for (int s = kPointLanes / 2; s > 0; s /= 2) distance2 += __shfl_xor_sync(0xffffffffu, distance2, s);
    if (inside && lane == 0) {
      float m = minimum[point];
      if (point == center) {
        m = -1.0f;
      } else if (m >= 0 && !(distance2 >= m)) {
        m = distance2 < m ? distance2 : 0.0f;  // the last case is NaN
      }
      minimum[point] = m;
      if (m >= 0) farthest = larger(farthest, farthest_key(m, point));
    }
  }
#pragma unroll
  for (int s = 16; s > 0; s /= 2) farthest = larger(farthest, __shfl_xor_sync(0xffffffffu, farthest, s));
  if (threadIdx.x % 32 == 0) warp_keys[threadIdx.x / 32] = farthest;
  __syncthreads();
  if (threadIdx.x != 0) return;  // no barrier follows
  for (int w = 0; w < kPassThreads / 32; ++w) farthest = larger(farthest, warp_keys[w]);
  if (farthest != 0) atomicMax(&keys[(step + 1) % kKeys], farthest);
}

// Budget: 16 registers, 0 bytes shared.
__global__ void __launch_bounds__(32) greedy_k_center_last_radius(GreedyKCenterArgs a, const Key* keys) {
  if (threadIdx.x == 0) a.radius2[a.count - 1] = key_distance2(keys[a.count % kKeys]);
}

// ---- Launcher

void greedy_k_center_cuda(const GreedyKCenterArgs& args, void* cuda_stream) {
  if (args.count == 0) return;
  ASSAY_CHECK(args.num_points < int64_t{0xffffffff}, "greedy_k_center: ", args.num_points,
              " points, CUDA takes fewer than 4294967295");
  const cudaStream_t stream = static_cast<cudaStream_t>(cuda_stream);
  Key* keys = static_cast<Key*>(args.workspace);
  float* minimum = reinterpret_cast<float*>(keys + kKeys);
  const int64_t wanted = (args.num_points + kPassPoints - 1) / kPassPoints;
  const dim3 grid = cuda_grid("greedy_k_center", wanted < kMaxPassBlocks ? wanted : kMaxPassBlocks);
  greedy_k_center_start_thread_per_point<<<grid, kPassThreads, 0, stream>>>(minimum, keys, args.num_points, args.start);
  ASSAY_CUDA_CHECK_LAUNCH("greedy_k_center", grid, kPassThreads);
  const bool aligned = args.dim % 4 == 0 && reinterpret_cast<uintptr_t>(args.points) % 16 == 0;
  const auto pass =
      aligned ? greedy_k_center_pass_eight_lanes_per_point<true> : greedy_k_center_pass_eight_lanes_per_point<false>;
  for (int64_t step = 0; step < args.count; ++step) {
    pass<<<grid, kPassThreads, 0, stream>>>(args, minimum, keys, step);
    ASSAY_CUDA_CHECK_LAUNCH("greedy_k_center", grid, kPassThreads);
  }
  greedy_k_center_last_radius<<<1, 32, 0, stream>>>(args, keys);
  ASSAY_CUDA_CHECK_LAUNCH("greedy_k_center", 1, 32);
}

}  // namespace assay::kernels
