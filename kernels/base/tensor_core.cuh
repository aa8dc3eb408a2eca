// SPDX-License-Identifier: Apache-2.0
// Asynchronous copies into shared memory, matrix loads and tensor-core products: the one place with inline PTX. For
// sm_80 and newer. Source of all layouts: PTX ISA 8.0, sections "cp.async", "ldmatrix" and "mma".
//
// Copies. Between the writes of a copy and reads by other threads stand copy_async_wait by the thread that copies and
// then a block barrier:
//
//   copy_async<16>(&tile[i], &x[j], inside ? 16 : 0);  // 0: nothing is read, zeros are written
//   copy_async_commit();                               // closes this thread's group
//   copy_async_wait<1>();                              // all of this thread's groups but the last 1 have arrived
//   __syncthreads();
//
// Products. D = A B + C for a tile of 16 x 8 elements, by one warp. Whatever the element type, a row of A and a column
// of B have 32 bytes in the direction of K: 16 elements of 16 bits, 8 of tf32, 32 of int8. With g = lane / 4 and
// t = lane % 4, registers hold
//
//   A  a[0]: row g,     bytes 4t .. 4t+3      a[2]: row g,     bytes 16+4t .. 16+4t+3
//      a[1]: row g + 8, bytes 4t .. 4t+3      a[3]: row g + 8, bytes 16+4t .. 16+4t+3
//   B  b[0]: column g,  bytes 4t .. 4t+3      b[1]: column g,  bytes 16+4t .. 16+4t+3
//   C  c[0], c[1]: row g, columns 2t, 2t+1    c[2], c[3]: row g + 8, columns 2t, 2t+1
//
// so that load_matrices reads A from rows, and B from columns, that lie in shared memory along K, for each type alike.
// Products are exact; the order of the sum over K, and whether it rounds or truncates, is the hardware's.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace assay {

__device__ __forceinline__ uint32_t shared_address(const void* shared) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(shared));
}

// ---- Copies

// Starts a copy of the first `source_bytes` of kBytes bytes; zeros fill the rest. Both addresses are multiples of
// kBytes, and `global` is a valid address even where source_bytes is 0. 16 bytes bypass the first-level cache.
template <int kBytes>
__device__ __forceinline__ void copy_async(void* shared, const void* global, int source_bytes = kBytes) {
  static_assert(kBytes == 4 || kBytes == 16, "what kernels here copy; cp.async has 8 bytes, too");
  if constexpr (kBytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global),
                 "r"(source_bytes)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(shared)), "l"(global),
                 "n"(kBytes), "r"(source_bytes)
                 : "memory");
  }
}

// Closes the group of the copies that this thread has started since the last group; it may be empty.
__device__ __forceinline__ void copy_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most kPending of this thread's groups, the latest, are still on their way.
template <int kPending>
__device__ __forceinline__ void copy_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

// ---- Matrices of 8 rows of 16 bytes

// Four matrices: lanes 8i .. 8i+7 give the addresses, each a multiple of 16, of the rows of matrix i. r[i] becomes
// bytes 4t .. 4t+3 of its row g. The whole warp takes part.
__device__ __forceinline__ void load_matrices_x4(uint32_t (&r)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(row))
               : "memory");
}

// ---- Products: c += a b. The whole warp takes part.

// m16n8k16, two bfloat16 in each register of a and b, the lower k in the lower half.
__device__ __forceinline__ void multiply_add_bfloat16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// m16n8k16, as above with IEEE binary16.
__device__ __forceinline__ void multiply_add_float16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// m16n8k8, one tf32 in each register: a float32 whose lower 13 bits do not count. Round with to_tf32 first, or they are
// cut off.
__device__ __forceinline__ void multiply_add_tf32(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// m16n8k32, four int8 in each register, the lowest k in the lowest byte. Exact; wraps around at 2^31.
__device__ __forceinline__ void multiply_add_int8(int32_t (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// The tf32 nearest to x, ties away from zero, as the bits of a float32 with 13 zeros at the end (NaN: any NaN).
__device__ __forceinline__ uint32_t to_tf32(float x) {
  uint32_t y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
}

}  // namespace assay
