// SPDX-License-Identifier: Apache-2.0
// Pieces in parallel. Philox runs on as many blocks at once as there are 64-bit lanes, each counter word in the lower
// half of a lane; the words of a batch of blocks go to a buffer in the cache.
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/dropout/dropout.h"
#include "kernels/random/philox.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout/dropout_cpu.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After highway.h: compiled again for each target.
#include "kernels/base/simd_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::kernels {

namespace HWY_NAMESPACE {

constexpr int64_t kBatchWords = 1024;  // 4 KiB
using D64 = hn::ScalableTag<uint64_t>;

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE void philox_blocks(uint64_t seed, uint64_t stream, uint64_t first, uint64_t* words) {
  const PhiloxBlock block = philox_block(seed, stream, first);
  words[0] = block.x[0] | uint64_t{block.x[1]} << 32;
  words[1] = block.x[2] | uint64_t{block.x[3]} << 32;
}

#else

// Lower 32 bits of a lane times a constant, 64 bits.
HWY_INLINE hn::Vec<D64> product(hn::Vec<D64> words, uint32_t factor) {
  const hn::Repartition<uint32_t, D64> d32;
  return hn::MulEven(hn::BitCast(d32, words), hn::Set(d32, factor));
}

// Words of blocks first .. first + lanes - 1 of the stream, in order. The upper halves of the lanes hold rubbish after
// the first round: products do not read them, and the words that leave have them cut off.
HWY_INLINE void philox_blocks(uint64_t seed, uint64_t stream, uint64_t first, uint64_t* words) {
  const D64 d;
  const auto low = hn::Set(d, 0xffffffffull);
  const auto index = hn::Add(hn::Iota(d, 0), hn::Set(d, first));
  auto x0 = hn::And(index, low), x1 = hn::ShiftRight<32>(index);
  auto x2 = hn::Set(d, stream & 0xffffffffull), x3 = hn::Set(d, stream >> 32);
  uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const auto product0 = product(x0, 0xD2511F53u), product1 = product(x2, 0xCD9E8D57u);
    x0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), x1), hn::Set(d, uint64_t{key0}));
    x2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), x3), hn::Set(d, uint64_t{key1}));
    x1 = product1;
    x3 = product0;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  hn::StoreInterleaved2(hn::Or(hn::And(x0, low), hn::ShiftLeft<32>(x1)),
                        hn::Or(hn::And(x2, low), hn::ShiftLeft<32>(x3)), d, words);
}

#endif

// grad_x = grad_y masked and scaled, which serves forward too. begin is a multiple of 4.
void mask_piece(const DropoutBackwardArgs& a, int64_t begin, int64_t end) {
  HWY_ALIGN uint64_t buffer[kBatchWords / 2];
  const int64_t blocks_at_once = hn::Lanes(D64());
  const auto threshold = static_cast<int32_t>(dropout_threshold(a.probability));
  const float scale = dropout_scale(a.probability);
  const bool accumulate = a.grad_x_mode == GradMode::kAccumulate;
  for (int64_t first = begin; first < end; first += kBatchWords) {
    const int64_t count = std::min(kBatchWords, end - first), blocks = (count + 3) / 4;
    for (int64_t b = 0; b < blocks; b += blocks_at_once) philox_blocks(a.seed, a.stream, first / 4 + b, buffer + 2 * b);
    const auto* words = reinterpret_cast<const uint32_t*>(buffer);
    for_lanes(count, [&](auto d, int64_t i) {
      const hn::RebindToUnsigned<decltype(d)> du;
      const hn::RebindToSigned<decltype(d)> di;
      // Of 24 bits, so comparing them as signed numbers is the same, and quick on every instruction set.
      const auto bits = hn::BitCast(di, hn::ShiftRight<8>(hn::LoadU(du, words + i)));
      const auto dropped = hn::RebindMask(d, hn::Lt(bits, hn::Set(di, threshold)));
      const auto scaled = hn::Mul(hn::LoadU(d, a.grad_y + first + i), hn::Set(d, scale));
      store_grad(d, accumulate, hn::IfThenZeroElse(dropped, scaled), a.grad_x + first + i);
    });
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace assay::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::kernels {

HWY_EXPORT(mask_piece);

constexpr int64_t kElementsPerPiece = 1 << 16;  // some 20 microseconds of work; a multiple of a block's 4 words

void dropout_backward_cpu(const DropoutBackwardArgs& a) {
  if (a.grad_x == nullptr) return;
  parallel_for(a.count, kElementsPerPiece, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(mask_piece)(a, begin, end);
  });
}

void dropout_forward_cpu(const DropoutForwardArgs& a) {
  dropout_backward_cpu({a.x, a.y, a.count, a.probability, a.seed, a.stream});
}

}  // namespace assay::kernels
#endif
