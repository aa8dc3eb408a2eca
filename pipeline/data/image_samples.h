// SPDX-License-Identifier: Apache-2.0
// How samples of another range become 8 bits. Internal to pipeline/data.
#pragma once

#include <algorithm>
#include <cstdint>

namespace assay::data {

enum class SampleRounding {
  kNearest,      // images: to the nearest of 256 levels
  kKeepNonzero,  // masks: as well, but what is not zero stays so
};

// A sample of 0 to max_sample on the scale 0 to 255; for max_sample 65535 that is v / 257 rounded. Larger samples count
// as max_sample.
inline uint8_t to_8_bits(uint32_t sample, uint32_t max_sample, SampleRounding rounding) {
  const uint32_t scaled = (std::min(sample, max_sample) * 255 + max_sample / 2) / max_sample;
  return static_cast<uint8_t>(scaled == 0 && sample > 0 && rounding == SampleRounding::kKeepNonzero ? 1 : scaled);
}

}  // namespace assay::data
