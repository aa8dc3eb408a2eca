// SPDX-License-Identifier: Apache-2.0
// mma, ldmatrix and stmatrix, with the fragment layouts of the PTX manual.
//
// Lane l has group g = l / 4 and place t = l % 4. A 32-bit register of a multiplicand holds E elements (1 of tf32, 2 of
// f16 and bf16, 4 of s8 and u8). Element i of register r of A is at row g + 8 (r % 2), column t E + i + 4 E (r / 2); of
// B at row t E + i + 4 E r, column g. Element i of the accumulator is at row g + 8 (i / 2), column 2 t + i % 2.
#pragma once

#include <cstddef>

#include "tests/cuda_sim/ptx/floating.h"
#include "tests/cuda_sim/ptx/integer.h"
#include "tests/cuda_sim/ptx/memory.h"

namespace assay::cuda_sim::ptx {

// The element formats of multiplicands: how many fit a register, and how one is read out of it.
struct F16Element {
  static constexpr int kPerRegister = 2;
  static f32 get(u32 raw, int i) { return widen(f16{static_cast<u16>(raw >> (16 * i))}); }
};
struct Bf16Element {
  static constexpr int kPerRegister = 2;
  static f32 get(u32 raw, int i) { return widen(bf16{static_cast<u16>(raw >> (16 * i))}); }
};
struct Tf32Element {  // the tensor cores do not see the low 13 bits
  static constexpr int kPerRegister = 1;
  static f32 get(u32 raw, int) { return bits<f32>(raw & 0xffffe000u); }
};
struct S8Element {
  static constexpr int kPerRegister = 4;
  static s64 get(u32 raw, int i) { return byte_of(static_cast<s32>(raw), i); }
};
struct U8Element {
  static constexpr int kPerRegister = 4;
  static s64 get(u32 raw, int i) { return byte_of(raw, i); }
};

// What one lane brings: its registers of A and B.
struct MmaFragment {
  u32 a[4];
  u32 b[2];
};

// One row of A, or one column of B, out of the registers of the four lanes that hold it. `first` is the register of the
// lowest k, `stride` the distance to the next register of the same row.
template <class Element, int k_size, class Value>
inline void gather_line(const WarpValues& values, int group, int first, int stride, Value* line) {
  constexpr int kPer = Element::kPerRegister;
  for (int part = 0; part < k_size / (4 * kPer); ++part) {
    for (int place = 0; place < 4; ++place) {
      u32 raw;
      std::memcpy(&raw, values.slot[4 * group + place] + sizeof raw * (first + stride * part), sizeof raw);
      for (int i = 0; i < kPer; ++i) *line++ = Element::get(raw, i);
    }
  }
}

// The four elements of the accumulator that this lane owns, each plus its dot product in the order of k. Tensor cores
// sum in an order and with a truncation of their own; tests allow for it in their tolerance.
template <class A, class B, int k_size, class Sum>
inline void mma_accumulate(const Thread& thread, const WarpValues& values, Sum* sums) {
  constexpr int kFirstOfB = offsetof(MmaFragment, b) / sizeof(u32);
  static_assert(A::kPerRegister == B::kPerRegister);
  const int group = thread.lane / 4, place = thread.lane % 4;
  Sum rows[2][k_size], columns[2][k_size];
  for (int i = 0; i < 2; ++i) {
    gather_line<A, k_size>(values, group, /*first=*/i, /*stride=*/2, rows[i]);
    gather_line<B, k_size>(values, 2 * place + i, /*first=*/kFirstOfB, /*stride=*/1, columns[i]);
  }
  for (int k = 0; k < k_size; ++k) {
    for (int i = 0; i < 4; ++i) sums[i] += rows[i / 2][k] * columns[i % 2][k];
  }
}

template <class A, class B, int k_size>
inline const WarpValues& mma_exchange(Thread& thread, const MmaFragment& fragment, const SourceLine* where) {
  return warp_exchange(thread, WarpOp::kMma, k_size, ~u32{0}, /*aligned=*/true, fragment, where);
}

// m16n8k<k_size>, accumulators in f32. `c` and the result are four elements of this lane.
template <class Element, int k_size>
inline Lanes<f32, 4> mma_f32(Thread& thread, const MmaFragment& fragment, const Lanes<f32, 4>& c,
                             const SourceLine* where) {
  const WarpValues& values = mma_exchange<Element, Element, k_size>(thread, fragment, where);
  Lanes<f32, 4> d = c;
  mma_accumulate<Element, Element, k_size>(thread, values, d.at);
  for (f32& element : d.at) element = clean_nan(element);
  return d;
}

// Accumulators in f16: two registers of two elements; the sum is rounded once.
template <int k_size>
inline Lanes<f16x2, 2> mma_f16(Thread& thread, const MmaFragment& fragment, const Lanes<f16x2, 2>& c,
                               const SourceLine* where) {
  const Lanes<f32, 4> wide = {widen(c.at[0].low), widen(c.at[0].high), widen(c.at[1].low), widen(c.at[1].high)};
  const Lanes<f32, 4> d = mma_f32<F16Element, k_size>(thread, fragment, wide, where);
  return {f16x2{to_f16(d.at[0]), to_f16(d.at[1])}, f16x2{to_f16(d.at[2]), to_f16(d.at[3])}};
}

// Integer products onto s32: wraps, or with `saturate` clamps.
template <class A, class B, int k_size>
inline Lanes<s32, 4> mma_s32(Thread& thread, const MmaFragment& fragment, const Lanes<s32, 4>& c, bool saturate,
                             const SourceLine* where) {
  const WarpValues& values = mma_exchange<A, B, k_size>(thread, fragment, where);
  s64 sums[4] = {c.at[0], c.at[1], c.at[2], c.at[3]};
  mma_accumulate<A, B, k_size>(thread, values, sums);
  Lanes<s32, 4> d;
  for (int i = 0; i < 4; ++i) d.at[i] = saturate ? saturate_to_s32(sums[i]) : static_cast<s32>(sums[i]);
  return d;
}

// m8n8k4 in f64: A at (g, t), B at (t, g), accumulators at (g, 2 t) and (g, 2 t + 1).
inline Lanes<f64, 2> mma_f64(Thread& thread, f64 a, f64 b, const Lanes<f64, 2>& c, const SourceLine* where) {
  const WarpValues& values =
      warp_exchange(thread, WarpOp::kMma, 4, ~u32{0}, /*aligned=*/true, Lanes<f64, 2>{a, b}, where);
  const int group = thread.lane / 4, place = thread.lane % 4;
  Lanes<f64, 2> d = c;
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 4; ++k) {
      const f64 left = values.get<Lanes<f64, 2>>(group * 4 + k).at[0];
      const f64 right = values.get<Lanes<f64, 2>>((2 * place + i) * 4 + k).at[1];
      d.at[i] = fused(left, right, d.at[i]);
    }
  }
  return d;
}

// The lanes 8 m to 8 m + 7 bring the addresses of the rows of matrix m. Each lane touches exactly the elements that it
// gets, so that races are seen as they are.
template <WarpOp op, int count>
inline const WarpValues& matrix_rows(Thread& thread, u64 row_address, bool transposed, const SourceLine* where) {
  if (thread.lane < 8 * count && row_address % 16 != 0) {
    shared_access(thread, row_address, 16, 16, op == WarpOp::kLdmatrix ? Access::kRead : Access::kWrite, where);
  }
  const u32 qualifiers = count * 2 + transposed;
  return warp_exchange(thread, op, qualifiers, ~u32{0}, /*aligned=*/true, row_address, where);
}

// Where element `i` (0, 1) of matrix `matrix` of this lane is: row lane / 4, columns 2 (lane % 4) + i, or transposed.
inline u64 matrix_element(const Thread& thread, const WarpValues& rows, int matrix, int i, bool transposed) {
  const int across = thread.lane / 4, along = 2 * (thread.lane % 4) + i;
  const int row = transposed ? along : across, column = transposed ? across : along;
  return rows.get<u64>(matrix * 8 + row) + 2 * column;
}

template <int count, bool transposed>
inline Lanes<u32, count> ldmatrix(Thread& thread, u64 row_address, const SourceLine* where) {
  const WarpValues& rows = matrix_rows<WarpOp::kLdmatrix, count>(thread, row_address, transposed, where);
  Lanes<u32, count> result;
  for (int matrix = 0; matrix < count; ++matrix) {
    u32 pair = 0;
    for (int i = 0; i < 2; ++i) {
      const u64 element = matrix_element(thread, rows, matrix, i, transposed);
      pair |= u32{load<Space::kShared, u16, 1>(thread, element, Access::kRead, where).at[0]} << (16 * i);
    }
    result.at[matrix] = pair;
  }
  return result;
}

template <int count, bool transposed>
inline void stmatrix(Thread& thread, u64 row_address, const Lanes<u32, count>& value, const SourceLine* where) {
  const WarpValues& rows = matrix_rows<WarpOp::kStmatrix, count>(thread, row_address, transposed, where);
  for (int matrix = 0; matrix < count; ++matrix) {
    for (int i = 0; i < 2; ++i) {
      const Lanes<u16, 1> half = {static_cast<u16>(value.at[matrix] >> (16 * i))};
      store<Space::kShared>(thread, matrix_element(thread, rows, matrix, i, transposed), half, Access::kWrite, where);
    }
  }
}

}  // namespace assay::cuda_sim::ptx
