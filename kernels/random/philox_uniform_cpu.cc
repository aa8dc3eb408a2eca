// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/base/parallel.h"
#include "kernels/random/philox.h"
#include "kernels/random/philox_uniform.h"

namespace assay::kernels {

void philox_uniform_cpu(const PhiloxUniformArgs& a) {
  constexpr int64_t kBlocksPerPiece = 1 << 12;  // tens of microseconds: long enough to hide the hand-out
  parallel_for((a.count + 3) / 4, kBlocksPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const PhiloxBlock words = philox_block(a.seed, a.stream, a.first_block + static_cast<uint64_t>(b));
      const int64_t in_block = std::min<int64_t>(4, a.count - 4 * b);
      for (int64_t i = 0; i < in_block; ++i) a.y[4 * b + i] = uniform_float(words.x[i]);
    }
  });
}

}  // namespace assay::kernels
