// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 and its uniform numbers from the definition: rounds in arrays, a product by long multiplication in
// 16-bit digits, the result in double. Shares no code with philox.h.
#pragma once

#include <array>
#include <cstdint>

namespace assay::kernels::ref {

struct WideProduct {
  uint32_t high, low;
};

inline WideProduct multiply_by_digits(uint32_t a, uint32_t b) {
  const uint32_t al = a % 65536, ah = a / 65536, bl = b % 65536, bh = b / 65536;
  const uint32_t ll = al * bl, lh = al * bh, hl = ah * bl, hh = ah * bh;
  const uint32_t middle = ll / 65536 + lh % 65536 + hl % 65536;
  return {hh + lh / 65536 + hl / 65536 + middle / 65536, middle * 65536 + ll % 65536};
}

// Number i of the stream, as philox_uniform.h counts them.
inline double philox_uniform(uint64_t seed, uint64_t stream, uint64_t block, int word) {
  std::array<uint32_t, 4> c = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                               static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)};
  for (uint32_t round = 0; round < 10; ++round) {
    const uint32_t key0 = static_cast<uint32_t>(seed) + round * 0x9E3779B9u;
    const uint32_t key1 = static_cast<uint32_t>(seed >> 32) + round * 0xBB67AE85u;
    const WideProduct p = multiply_by_digits(0xD2511F53u, c[0]), q = multiply_by_digits(0xCD9E8D57u, c[2]);
    c = {q.high ^ c[1] ^ key0, q.low, p.high ^ c[3] ^ key1, p.low};
  }
  return (c[word] / 256) / 16777216.0;
}

}  // namespace assay::kernels::ref
