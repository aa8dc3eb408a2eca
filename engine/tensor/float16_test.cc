// SPDX-License-Identifier: Apache-2.0
#include "engine/tensor/float16.h"

#include <doctest/doctest.h>

#include <cmath>

namespace assay {
namespace {

TEST_CASE("to_float follows the definition of binary16 for all 65536 patterns") {
  for (int bits = 0; bits < 65536; ++bits) {
    const double sign = bits >> 15 ? -1 : 1;
    const int exponent = bits >> 10 & 31;
    const int fraction = bits & 1023;
    const float got = to_float({static_cast<uint16_t>(bits)});
    if (exponent == 31 && fraction != 0) {
      CHECK(std::isnan(got));
      continue;
    }
    const double expected = exponent == 31  ? sign * INFINITY
                            : exponent == 0 ? sign * std::ldexp(fraction, -24)
                                            : sign * std::ldexp(1024 + fraction, exponent - 25);
    const bool same = got == expected && std::signbit(got) == (sign < 0);
    if (!same) CHECK_MESSAGE(same, bits, ": ", got, ", expected ", expected);
  }
}

}  // namespace
}  // namespace assay
