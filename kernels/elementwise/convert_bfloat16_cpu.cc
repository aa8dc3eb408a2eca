// SPDX-License-Identifier: Apache-2.0
// Conversion by integer arithmetic on the bits, which the compiler turns into vectors. Bound by memory.
#include <cstring>

#include "kernels/base/parallel.h"
#include "kernels/elementwise/convert_bfloat16.h"

namespace assay::kernels {
namespace {

constexpr int64_t kElementsPerPiece = 1 << 16;  // 384 KiB in and out: long enough to hide the hand-out

uint16_t nearest(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);  // carries into the exponent, up to infinity, as it should
  const bool is_nan = (bits & 0x7fffffff) > 0x7f800000;
  return static_cast<uint16_t>(is_nan ? bits >> 16 | 0x40 : rounded >> 16);
}

float widened(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float y;
  std::memcpy(&y, &bits, 4);
  return y;
}

}  // namespace

void to_bfloat16_cpu(const ToBfloat16Args& a) {
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a.y[i] = nearest(a.x[i]);
  });
}

void from_bfloat16_cpu(const FromBfloat16Args& a) {
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) a.y[i] = widened(a.x[i]);
  });
}

}  // namespace assay::kernels
