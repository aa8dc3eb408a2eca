// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as
// 1, 2, 3" (SC 2011). Output i of a stream is a pure function of (seed, stream, i): the same numbers on every backend,
// for any number of threads, in any order.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/base/host_device.h"

namespace assay::kernels {

struct PhiloxBlock {
  uint32_t x[4];
};

// Ten rounds of the bijection on `counter`, keyed by `key`.
ASSAY_HOST_DEVICE inline PhiloxBlock philox4x32(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * counter.x[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter.x[2];
    counter = {{static_cast<uint32_t>(product1 >> 32) ^ counter.x[1] ^ key0, static_cast<uint32_t>(product1),
                static_cast<uint32_t>(product0 >> 32) ^ counter.x[3] ^ key1, static_cast<uint32_t>(product0)}};
    key0 += 0x9E3779B9u;  // the golden ratio
    key1 += 0xBB67AE85u;  // the square root of three, less one
  }
  return counter;
}

// Block `index` of the given stream: four independent words.
ASSAY_HOST_DEVICE inline PhiloxBlock philox_block(uint64_t seed, uint64_t stream, uint64_t index) {
  const PhiloxBlock counter = {{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                                static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)}};
  return philox4x32(counter, static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32));
}

// 24 random bits as a float in [0, 1).
ASSAY_HOST_DEVICE inline float uniform_float(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

}  // namespace assay::kernels
