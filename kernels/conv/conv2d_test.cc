// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv/conv2d.h"

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

const KernelTable<Conv2dArgs>* const kTables[] = {&conv2d, &conv2d_implicit_gemm};

std::vector<float> check_case(const ConvCase& t, const ConvPlacement& placement = {}) {
  std::vector<float> y;
  for (const auto* kernel : kTables) {
    CAPTURE(kernel->name);
    ConvData<Conv2dArgs> data(t, t.kernel_height * t.kernel_width * t.channels, placement);
    y = data.run_on_backend(*kernel);
    data.check(ref::conv2d_element);
  }
  return y;
}

TEST_CASE("conv2d equals the definition on the backbone's layers, scaled down") {
  const ConvActivation relu6 = ConvActivation::kRelu6, none = ConvActivation::kNone;
  check_case(same_padding(2, 16, 16, 3, 32, 3, 2, false, relu6));  // stem
  check_case(same_padding(1, 17, 15, 3, 32, 3, 2, false, relu6));  // the same on an odd image
  check_case(same_padding(2, 8, 8, 32, 16, 1, 1, false, none));    // projection
  check_case(same_padding(2, 8, 8, 16, 96, 1, 1, false, relu6));   // expansion
  check_case(same_padding(2, 6, 6, 96, 24, 1, 1, true, none));     // projection with the shortcut
  check_case(same_padding(3, 4, 4, 80, 480, 1, 1, false, relu6));
  check_case(same_padding(3, 4, 4, 480, 112, 1, 1, true, none));
  check_case(same_padding(1, 7, 9, 12, 20, 3, 1, true, ConvActivation::kRelu));
  check_case(same_padding(1, 9, 8, 8, 12, 5, 1, false, none));
  check_case(same_padding(1, 9, 8, 6, 12, 5, 2, false, relu6));
}

TEST_CASE("conv2d equals the definition at the edges of tiles, vectors and windows") {
  check_case({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0});
  check_case({0, 4, 4, 3, 5, 3, 3, 1, 4, 4, 1, 1});         // no image
  check_case({1, 4, 4, 3, 5, 3, 3, 1, 0, 4, 1, 1});         // no output
  check_case({2, 5, 6, 3, 65, 2, 4, 3, 3, 4, 2, 3, true});  // window, stride and padding of no common kind
  check_case({1, 3, 3, 4, 7, 1, 7, 1, 5, 6, 1, 5});         // wider than the grid; windows outside in whole
  check_case({1, 13, 5, 1, 63, 3, 3, 1, 13, 5, 1, 1});      // one channel: a float4 of k spans rows of the window
  check_case({1, 8, 8, 5, 64, 3, 3, 1, 6, 6, 0, 0});        // no padding
  check_case({3, 9, 7, 7, 129, 3, 3, 2, 5, 4, 1, 1, true, ConvActivation::kRelu});
  check_case({1, 96, 89, 4, 65, 1, 1, 1, 96, 89, 0, 0});      // below 132 tiles of 128
  check_case({1, 130, 131, 4, 66, 1, 1, 1, 130, 131, 0, 0});  // above: large tiles on CUDA
  check_case({1, 132, 129, 2, 66, 1, 3, 1, 132, 129, 0, 1});
}

TEST_CASE("conv2d equals the definition on random shapes") {
  std::mt19937 engine(5);
  for (int repeat = 0; repeat < 60; ++repeat) {
    CAPTURE(repeat);
    const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
    const ConvCase t = {below(3),      1 + below(9),
                        1 + below(9),  1 + below(20),
                        1 + below(80), 1 + below(5),
                        1 + below(5),  1 + below(3),
                        1 + below(8),  1 + below(8),
                        below(4),      below(4),
                        below(2) == 1, static_cast<ConvActivation>(below(3))};
    check_case(t);
  }
}

TEST_CASE("conv2d's residual may be its output, and pointers may be unaligned") {
  const ConvCase t = same_padding(2, 6, 7, 8, 20, 3, 1, true, ConvActivation::kRelu6);
  const std::vector<float> apart = check_case(t);
  CHECK(check_case(t, {/*in_place=*/true}) == apart);
  // One array alone, then all.
  for (const ConvPlacement& placement :
       {ConvPlacement{false, 1, 0, 0, 0}, ConvPlacement{false, 0, 1, 0, 0}, ConvPlacement{false, 0, 0, 1, 0},
        ConvPlacement{false, 0, 0, 0, 1}, ConvPlacement{true, 3, 2, 0, 1}}) {
    check_case(t, placement);
  }
}

TEST_CASE("conv2d reaches rows and images beyond element 2^31") {
  for (const int64_t channels : {4, 3}) check_far_conv(conv2d_implicit_gemm, channels, 6, /*is_depthwise=*/false);
}

TEST_CASE("conv2d gives the same bits for any number of threads") {
  const ConvCase t = same_padding(2, 9, 9, 16, 40, 3, 1);
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> one = check_case(t);
  set_num_threads(3);
  CHECK(check_case(t) == one);
  set_num_threads(before);
}

TEST_CASE("conv2d spreads a NaN to the windows that hold it, through each activation") {
  for (const ConvActivation activation : {ConvActivation::kNone, ConvActivation::kRelu, ConvActivation::kRelu6}) {
    for (const auto* kernel : kTables) {
      ConvData<Conv2dArgs> data(same_padding(1, 7, 7, 4, 3, 3, 1, false, activation), 36);
      data.x()[(3 * 7 + 3) * 4 + 2] = std::numeric_limits<float>::quiet_NaN();
      const std::vector<float> y = data.run_on_backend(*kernel);
      for (int64_t at = 0; at < 7 * 7 * 3; ++at) {
        const int64_t i = at / 3 / 7, j = at / 3 % 7;
        CHECK(std::isnan(y[at]) == (std::abs(i - 3) <= 1 && std::abs(j - 3) <= 1));
      }
    }
  }
}

}  // namespace
}  // namespace assay::kernels
