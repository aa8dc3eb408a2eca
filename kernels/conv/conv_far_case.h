// SPDX-License-Identifier: Apache-2.0
// A convolution of two images of more than 2^31 elements, of whose rows only the beginning is read: offsets of the
// last row and of the second image, computed in 32 bits, end elsewhere.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/conv/conv_cases.h"
#include "tests/support/sparse_array.h"

namespace assay::kernels {

// What x holds, by place: neighbours and places 2^32 apart differ.
struct FarValues {
  float operator[](int64_t at) const { return static_cast<float>(std::sin(static_cast<double>(at % 1000003))); }
};

template <class Args>
struct FarReference : Args {
  FarValues x;  // in the place of memory
};

template <class Args>
void check_far_conv(const KernelTable<Args>& kernel, int64_t channels, int64_t out_channels, bool is_depthwise) {
  CAPTURE(kernel.name);
  CAPTURE(channels);
  // A tile reads further than its windows need.
  constexpr int64_t kRows = 5, kColumnsRead = 16, kOutColumns = 3, kWindow = 3;
  const int64_t width = (int64_t{1} << 31) / ((kRows - 1) * channels) + 2, row = width * channels;
  const int64_t depth = kWindow * kWindow * (is_depthwise ? 1 : channels),
                outputs = 2 * kRows * kOutColumns * out_channels;
  testing::SparseArray<float> x(2 * kRows * row);
  for (int64_t r = 0; r < 2 * kRows; ++r) {
    std::vector<float> begin;
    for (int64_t i = 0; i < kColumnsRead * channels; ++i) begin.push_back(FarValues()[r * row + i]);
    x.put(r * row, begin);
  }
  const std::vector<float> weight = normal_values(out_channels * depth, 2), bias = normal_values(out_channels, 3);
  testing::GuardedBuffer<float> y(outputs, 0);
  testing::Staging staging;
  Args args = {
      x.data(),       staging.in(weight),   staging.in(bias), nullptr, staging.out(y), 2, kRows, width, channels,
      kRows,          kOutColumns,          out_channels,     kWindow, kWindow,
      /*stride=*/1,
      /*pad_top=*/1,
      /*pad_left=*/1, ConvActivation::kNone};
  run(kernel, args, staging.stream());
  staging.finish();
  FarReference<Args> host = {args, {}};
  host.weight = weight.data();
  host.bias = bias.data();
  int64_t wrong = 0;
  for (int64_t at = 0; at < outputs; ++at) {
    const int64_t o = at % out_channels, cell = at / out_channels, i = cell / kOutColumns % kRows;
    const int64_t first = is_depthwise ? o : 0, end = is_depthwise ? o + 1 : channels;
    const ref::ConvElement e = ref::conv_element(
        host, cell / kOutColumns / kRows, i, cell % kOutColumns, o, first, end, [&](int64_t p, int64_t q, int64_t c) {
          return is_depthwise ? weight[(p * kWindow + q) * channels + c]
                              : weight[((o * kWindow + p) * kWindow + q) * channels + c];
        });
    if (!(std::abs(y[at] - e.value) <= e.tolerance)) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(y.guards_intact());
}

}  // namespace assay::kernels
