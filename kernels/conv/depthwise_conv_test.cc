// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/depthwise_conv.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/conv/conv_cases.h"
#include "kernels/conv/conv_far_case.h"

namespace assay::kernels {
namespace {

using ref::ConvCase;
using ref::same_padding;

std::vector<float> check_case(ConvCase t, const ConvPlacement& placement = {}) {
  t.out_channels = t.channels;
  ConvData<DepthwiseConvArgs> data(t, t.kernel_height * t.kernel_width, placement);
  const std::vector<float> y = data.run_on_backend(depthwise_conv);
  data.check(ref::depthwise_conv_element);
  return y;
}

TEST_CASE("depthwise_conv equals the definition on the backbone's layers, scaled down") {
  for (const int64_t kernel : {3, 5}) {
    for (const int64_t stride : {1, 2}) {
      check_case(same_padding(2, 16, 16, 32, 0, kernel, stride, false, ConvActivation::kRelu6));
      check_case(same_padding(1, 17, 13, 96, 0, kernel, stride, false, ConvActivation::kRelu6));
      check_case(same_padding(3, 8, 8, 48, 0, kernel, stride, true, ConvActivation::kRelu));
    }
  }
}

TEST_CASE("depthwise_conv equals the definition at the edges of tiles, vectors and windows") {
  check_case({1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 0});
  check_case({0, 4, 4, 4, 0, 3, 3, 1, 4, 4, 1, 1});         // no image
  check_case({2, 9, 9, 4, 0, 3, 3, 1, 9, 9, 1, 1});         // one output more than a tile, both ways
  check_case({1, 8, 8, 36, 0, 3, 3, 1, 8, 8, 1, 1, true});  // a block of channels and four more
  check_case({1, 8, 8, 31, 0, 3, 3, 1, 8, 8, 1, 1});        // no vectors
  check_case({1, 5, 6, 8, 0, 2, 4, 3, 3, 4, 2, 3});         // window, stride and padding of no common kind
  check_case({1, 3, 3, 4, 0, 1, 7, 1, 5, 6, 1, 5});         // wider than the grid; windows outside in whole
  check_case({1, 20, 20, 8, 0, 13, 11, 2, 10, 10, 6, 5});   // a tile too large for shared memory
  check_case({1, 40, 30, 4, 0, 12, 12, 1, 29, 19, 0, 0});   // 19 x 19 cells: the largest that fits
}

TEST_CASE("depthwise_conv equals the definition on random shapes") {
  std::mt19937 engine(6);
  for (int repeat = 0; repeat < 80; ++repeat) {
    CAPTURE(repeat);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
    const int64_t channels = repeat % 2 == 0 ? 4 * (1 + below(20)) : 1 + below(70);
    check_case({below(3), 1 + below(20), 1 + below(20), channels, 0, 1 + below(5), 1 + below(5), 1 + below(3),
                1 + below(18), 1 + below(18), below(4), below(4), below(2) == 1,
                static_cast<ConvActivation>(below(3))});
  }
}

TEST_CASE("depthwise_conv's residual may be its output, and pointers may be unaligned") {
  const ConvCase t = same_padding(2, 10, 7, 40, 0, 3, 1, true, ConvActivation::kRelu6);
  const std::vector<float> apart = check_case(t);
  CHECK(check_case(t, {/*in_place=*/true}) == apart);
  // One array alone, then all.
  for (const ConvPlacement& placement :
       {ConvPlacement{false, 1, 0, 0, 0}, ConvPlacement{false, 0, 1, 0, 0}, ConvPlacement{false, 0, 0, 1, 0},
        ConvPlacement{false, 0, 0, 0, 1}, ConvPlacement{true, 3, 2, 0, 1}}) {
    check_case(t, placement);
  }
}

TEST_CASE("depthwise_conv reaches rows and images beyond element 2^31") {
  for (const int64_t channels : {4, 3}) check_far_conv(depthwise_conv, channels, channels, /*is_depthwise=*/true);
}

TEST_CASE("depthwise_conv gives the same bits for any number of threads") {
  const ConvCase t = same_padding(2, 12, 11, 40, 0, 5, 2);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> one = check_case(t);
  set_num_threads(3);
  CHECK(check_case(t) == one);
  set_num_threads(before);
}

TEST_CASE("depthwise_conv spreads a NaN to its channel of the windows that hold it, through each activation") {
  for (const ConvActivation activation : {ConvActivation::kNone, ConvActivation::kRelu, ConvActivation::kRelu6}) {
    for (const int64_t channels : {4, 5}) {
      ConvData<DepthwiseConvArgs> data(same_padding(1, 7, 7, channels, channels, 3, 1, false, activation), 9);
      data.x()[(3 * 7 + 3) * channels + 2] = std::numeric_limits<float>::quiet_NaN();
      const std::vector<float> y = data.run_on_backend(depthwise_conv);
      for (int64_t at = 0; at < 7 * 7 * channels; ++at) {
        const int64_t c = at % channels, i = at / channels / 7, j = at / channels % 7;
        CHECK(std::isnan(y[at]) == (c == 2 && std::abs(i - 3) <= 1 && std::abs(j - 3) <= 1));
      }
    }
  }
}

}  // namespace
}  // namespace assay::kernels
