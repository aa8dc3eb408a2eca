// SPDX-License-Identifier: Apache-2.0
#include "kernels/random/philox_uniform.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/random/philox_uniform_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

// `offset` moves y off the alignment that wide stores want.
std::vector<float> filled(int64_t count, uint64_t seed, uint64_t stream, uint64_t first_block, int64_t offset) {
  GuardedBuffer<float> y(count, offset);
  Staging staging;
  run(philox_uniform, {staging.out(y), count, seed, stream, first_block}, staging.stream());
  staging.finish();
  CHECK(y.guards_intact());
  return y.values();
}

TEST_CASE("philox_uniform gives the numbers of the definition, bit for bit, at every length and place") {
  const uint64_t seeds[] = {0, 1, 0xffffffffffffffff, 0x0123456789abcdef};
  const uint64_t streams[] = {0, 7, 0x100000000, 0xffffffffffffffff};
  const uint64_t firsts[] = {0, 0xfffffffe, 0xffffffffffffffff};  // across 32 bits, across 64 bits
  for (int k = 0; k < 4; ++k) {
    for (const uint64_t first : firsts) {
      for (const int64_t count : {0, 1, 3, 4, 5, 8, 1023, 1024, 1026}) {
        INFO(count, " from block ", first, ", seed ", seeds[k], ", stream ", streams[k]);
        const std::vector<float> y = filled(count, seeds[k], streams[k], first, 0);
        CHECK(filled(count, seeds[k], streams[k], first, 1) == y);
        for (int64_t i = 0; i < count; ++i) {
          // A multiple of 2^-24 below one is a float.
          REQUIRE(y[i] == ref::philox_uniform(seeds[k], streams[k], first + static_cast<uint64_t>(i / 4), i % 4));
        }
      }
    }
  }
}

TEST_CASE("philox_uniform of a longer array begins with the shorter one, and goes on where a fill ended") {
  const std::vector<float> y = filled(100, 3, 4, 0, 0);
  const std::vector<float> begin = filled(41, 3, 4, 0, 0), end = filled(56, 3, 4, 11, 0);
  CHECK(begin == std::vector<float>(y.begin(), y.begin() + 41));
  CHECK(end == std::vector<float>(y.begin() + 44, y.end()));
}

TEST_CASE("philox_uniform stays in [0, 1), has its moments, and does not depend on the number of threads") {
  const int64_t n = 100000;
  const int before = num_threads();
  set_num_threads(5);
  const std::vector<float> y = filled(n, 11, 0, 0, 0);
  set_num_threads(1);
  CHECK(filled(n, 11, 0, 0, 0) == y);
  set_num_threads(before);
  double sum = 0, squares = 0;
  for (const float v : y) {
    REQUIRE((v >= 0 && v < 1));
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  // Four standard errors each.
  CHECK(std::fabs(sum / n - 0.5) < 4 * std::sqrt(1 / 12.0 / n));
  CHECK(std::fabs(squares / n - 1 / 3.0) < 4 * std::sqrt(4 / 45.0 / n));
}

}  // namespace
}  // namespace assay::kernels
