// SPDX-License-Identifier: Apache-2.0
// Conversion by integer arithmetic on the bits, four cases chosen per lane, so that machines without conversion
// instructions give the same bits as the rest. Bound by memory.
#include "kernels/base/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise/convert_float16_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/elementwise/convert_float16.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using BitsTag = hn::RebindToSigned<FloatTag>;  // signed compares and shifts suffice: magnitudes have no sign bit
using HalfTag = hn::Rebind<uint16_t, BitsTag>;
using FloatVec = hn::Vec<FloatTag>;
using BitsVec = hn::Vec<BitsTag>;

HWY_INLINE BitsVec bits(int32_t value) { return hn::Set(BitsTag(), value); }

// float32 bits -> binary16 bits in the lower half of each lane.
HWY_INLINE BitsVec half_bits(FloatVec x) {
  const BitsTag tag;
  const BitsVec word = hn::BitCast(tag, x);
  const BitsVec magnitude = hn::And(word, bits(0x7fffffff));
  const BitsVec sign = hn::And(hn::ShiftRight<16>(word), bits(0x8000));

  // Normal: move the exponent's bias from 127 to 15, round the 13 bits that go. A carry runs on into the exponent, and
  // from 65504 into infinity, as it should.
  const BitsVec odd = hn::And(hn::ShiftRight<13>(magnitude), bits(1));
  const BitsVec rebiased = hn::Sub(magnitude, bits((127 - 15) << 23));
  const BitsVec normal = hn::ShiftRight<13>(hn::Add(hn::Add(rebiased, bits(0xfff)), odd));
  // Subnormal: a unit in the last place of 0.5f is 2^-24, that of a subnormal half, so the addition rounds rightly.
  const FloatVec shifted = hn::Add(hn::BitCast(FloatTag(), magnitude), hn::Set(FloatTag(), 0.5f));
  const BitsVec subnormal = hn::Sub(hn::BitCast(tag, shifted), bits(0x3f000000));
  const BitsVec payload = hn::And(hn::ShiftRight<13>(magnitude), bits(0x3ff));
  const BitsVec nan = hn::Or(bits(0x7e00), payload);

  BitsVec y = hn::IfThenElse(hn::Lt(magnitude, bits(113 << 23)), subnormal, normal);  // below 2^-14
  y = hn::IfThenElse(hn::Gt(magnitude, bits(0x477fffff)), bits(0x7c00), y);           // 65536 and more
  y = hn::IfThenElse(hn::Gt(magnitude, bits(0x7f800000)), nan, y);
  return hn::Or(y, sign);
}

// binary16 bits in the lower half of each lane -> float32.
HWY_INLINE FloatVec float_of(BitsVec half) {
  const FloatTag tag;
  const BitsVec magnitude = hn::And(half, bits(0x7fff));
  const BitsVec sign = hn::ShiftLeft<16>(hn::And(half, bits(0x8000)));
  const BitsVec moved = hn::ShiftLeft<13>(magnitude);
  const BitsVec normal = hn::Add(moved, bits((127 - 15) << 23));
  const FloatVec small = hn::Mul(hn::ConvertTo(tag, magnitude), hn::Set(tag, 0x1p-24f));
  const BitsVec infinity = hn::Or(moved, bits(0x7f800000));
  const BitsVec nan = hn::Or(infinity, bits(0x400000));

  BitsVec y = hn::IfThenElse(hn::Lt(magnitude, bits(0x400)), hn::BitCast(BitsTag(), small), normal);
  y = hn::IfThenElse(hn::Gt(magnitude, bits(0x7bff)), infinity, y);
  y = hn::IfThenElse(hn::Gt(magnitude, bits(0x7c00)), nan, y);
  return hn::BitCast(tag, hn::Or(y, sign));
}

// The smaller of the two, and a NaN where x is one.
HWY_INLINE FloatVec at_most(FloatVec x, float ceiling) {
  const FloatVec limit = hn::Set(FloatTag(), ceiling);
  return hn::IfThenElse(hn::Gt(x, limit), limit, x);
}

// The last elements go through a buffer of one vector.
void to_float16_piece(const float* HWY_RESTRICT x, uint16_t* HWY_RESTRICT y, int64_t count, float ceiling) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(FloatTag()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::DemoteTo(HalfTag(), half_bits(at_most(hn::LoadU(FloatTag(), x + i), ceiling))), HalfTag(), y + i);
  }
  if (i == count) return;
  float in[hn::MaxLanes(FloatTag())] = {};
  uint16_t out[hn::MaxLanes(FloatTag())];
  std::copy(x + i, x + count, in);
  hn::StoreU(hn::DemoteTo(HalfTag(), half_bits(at_most(hn::LoadU(FloatTag(), in), ceiling))), HalfTag(), out);
  std::copy(out, out + (count - i), y + i);
}

void from_float16_piece(const uint16_t* HWY_RESTRICT x, float* HWY_RESTRICT y, int64_t count) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(FloatTag()));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(float_of(hn::PromoteTo(BitsTag(), hn::LoadU(HalfTag(), x + i))), FloatTag(), y + i);
  }
  if (i == count) return;
  uint16_t in[hn::MaxLanes(FloatTag())] = {};
  float out[hn::MaxLanes(FloatTag())];
  std::copy(x + i, x + count, in);
  hn::StoreU(float_of(hn::PromoteTo(BitsTag(), hn::LoadU(HalfTag(), in))), FloatTag(), out);
  std::copy(out, out + (count - i), y + i);
}

}  // namespace assay::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {
namespace {

constexpr int64_t kElementsPerPiece = 1 << 16;  // 384 KiB in and out: long enough to hide the hand-out

}  // namespace

HWY_EXPORT(to_float16_piece);
HWY_EXPORT(from_float16_piece);

void to_float16_cpu(const ToFloat16Args& a) {
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(to_float16_piece)(a.x + begin, a.y + begin, end - begin, a.ceiling);
  });
}

void from_float16_cpu(const FromFloat16Args& a) {
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(from_float16_piece)(a.x + begin, a.y + begin, end - begin);
  });
}

}  // namespace assay::kernels
#endif  // HWY_ONCE
