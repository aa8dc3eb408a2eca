// SPDX-License-Identifier: Apache-2.0
// Elements of the types that the simulated libraries know, and the roundings of their compute types.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <library_types.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace assay::cuda_sim_vendor {

// 0 for a type that is not simulated.
inline size_t element_bytes(cudaDataType_t type) {
  switch (type) {
    case CUDA_R_32F:
    case CUDA_R_32I:
      return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF:
      return 2;
    case CUDA_R_8I:
      return 1;
    default:
      return 0;
  }
}

template <class T>
T read_as(const void* base, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const unsigned char*>(base) + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <class T>
void write_as(void* base, int64_t index, T value) {
  std::memcpy(static_cast<unsigned char*>(base) + index * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

// Exact for the float types and for 8-bit integers.
inline float load_element(const void* base, int64_t index, cudaDataType_t type) {
  switch (type) {
    case CUDA_R_16F:
      return __half2float(read_as<__half>(base, index));
    case CUDA_R_16BF:
      return __bfloat162float(read_as<__nv_bfloat16>(base, index));
    case CUDA_R_8I:
      return read_as<int8_t>(base, index);
    case CUDA_R_32I:
      return static_cast<float>(read_as<int32_t>(base, index));
    default:
      return read_as<float>(base, index);
  }
}

// Rounds to nearest, ties to even; integers saturate.
inline void store_element(void* base, int64_t index, cudaDataType_t type, float value) {
  switch (type) {
    case CUDA_R_16F:
      return write_as(base, index, __float2half_rn(value));
    case CUDA_R_16BF:
      return write_as(base, index, __float2bfloat16_rn(value));
    case CUDA_R_8I:
      return write_as(base, index, static_cast<int8_t>(std::fmin(std::fmax(std::nearbyint(value), -128.0f), 127.0f)));
    default:
      return write_as(base, index, value);
  }
}

// What a multiplier's inputs are rounded to.
enum class InputRounding { kNone, kTf32, kBfloat16, kFloat16 };

// To 10 bits of mantissa, ties away from zero, as cvt.rna.tf32.f32 does.
inline float round_to_tf32(float value) {
  if (!std::isfinite(value)) return value;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0x1000u) & ~0x1fffu;
  std::memcpy(&value, &bits, sizeof bits);
  return value;
}

inline float round_input(float value, InputRounding rounding) {
  switch (rounding) {
    case InputRounding::kTf32:
      return round_to_tf32(value);
    case InputRounding::kBfloat16:
      return __bfloat162float(__float2bfloat16_rn(value));
    case InputRounding::kFloat16:
      return __half2float(__float2half_rn(value));
    case InputRounding::kNone:
      break;
  }
  return value;
}

}  // namespace assay::cuda_sim_vendor
