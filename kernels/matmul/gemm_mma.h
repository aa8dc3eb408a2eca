// SPDX-License-Identifier: Apache-2.0
// Matrix products on tensor cores: the problem of gemm.h with inputs of less precision, summed in float32 (int8: in
// int32). On CUDA by mma.sync; the CPU versions compute the same function of the same rounded inputs.
//
//   gemm_float16   a, b: bits of IEEE binary16
//   gemm_bfloat16  a, b: bits of bfloat16
//   gemm_tf32      a, b: float32, each first rounded to tf32 (11 bits of precision), to nearest, ties away from zero
//   gemm_int8      a, b: int8; sums wrap around at 2^31; the epilogue must be the default (checked)
//   gemm_3xtf32    a, b: float32, each split into two tf32, x = big + small, of whose four products three are summed
//
// Accuracy. int8: exact. The others: each element of the product is within K * 2^-22 * sum |a| |b| of the exact product
// of the rounded inputs; products are exact, and each of K additions may truncate twice. gemm_3xtf32: within
// (6 + 3 K) * 2^-22 * sum |a| |b| of the exact product of the float32 inputs. Derivation: small is x - big (exact)
// rounded to 11 bits, so x - big - small is below 2^-22 |x|, and so is |small| below 2^-11 |x|; what is left out,
// small small + (the two remainders times the other factor), is below 3.1 * 2^-22 |a| |b| for each k; 3 K additions err
// as above. That bound is of a worst case: on random inputs its errors are those of float32 sums. Inputs below 2^-103
// lose their small part to underflow, and infinities give NaN in gemm_3xtf32 (infinity - infinity).
//
// NaN propagates. Deterministic on one type of machine. Any transpose, leading dimension and alignment is legal; fast
// are operands of which K runs along memory (a as it is, b transposed), 16-byte aligned with leading dimensions and
// batch strides of multiples of 16 bytes.
// Source of the split: Ootomo, Yokota 2022, "Recovering single precision accuracy from Tensor Cores", section 3,
// without its rescaling, as tf32 has float32's range.
#pragma once

#include <cstdint>

#include "kernels/base/kernel_table.h"
#include "kernels/matmul/gemm.h"

namespace assay::kernels {

using Gemm16Args = GemmProblem<uint16_t, float>;
extern const KernelTable<Gemm16Args> gemm_float16;
extern const KernelTable<Gemm16Args> gemm_bfloat16;

using GemmInt8Args = GemmProblem<int8_t, int32_t>;
extern const KernelTable<GemmInt8Args> gemm_int8;

extern const KernelTable<GemmArgs> gemm_tf32;
extern const KernelTable<GemmArgs> gemm_3xtf32;

}  // namespace assay::kernels
