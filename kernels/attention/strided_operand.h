// SPDX-License-Identifier: Apache-2.0
// An operand of attention with strides of its own, for tests: images, tokens or heads may lie so far apart that offsets
// exceed 2^31.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/attention/attention_ref.h"
#include "kernels/attention/attention_strides.h"
#include "tests/support/sparse_array.h"

namespace assay::kernels {

enum class FarAxis { kNone, kImage, kToken, kHead };

// Heads of (image, head, token) with gaps that `number` tells apart; the far axis, of at least two elements, outermost,
// its last element beyond element 2^31.
inline AttentionStrides gapped_strides(const ref::AttentionCase& s, int64_t number, FarAxis far) {
  AttentionStrides strides = {};
  std::vector<std::pair<int64_t*, int64_t>> axes = {
      {&strides.token, s.tokens}, {&strides.head, s.heads}, {&strides.image, s.batch}};
  int64_t* const far_stride = far == FarAxis::kImage   ? &strides.image
                              : far == FarAxis::kToken ? &strides.token
                              : far == FarAxis::kHead  ? &strides.head
                                                       : nullptr;
  std::stable_partition(axes.begin(), axes.end(), [&](const auto& axis) { return axis.first != far_stride; });
  int64_t stride = s.width + 1 + number;
  for (const auto& [place, count] : axes) {
    if (place == far_stride) stride = std::max(stride, (int64_t{1} << 31) / (count - 1) + 1 + number);
    *place = stride;
    stride = stride * count + number;
  }
  return strides;
}

class StridedOperand {
 public:
  StridedOperand(const ref::AttentionCase& s, const AttentionStrides& strides)
      : shape_(s), strides_(strides), memory_(place(s.batch - 1, s.tokens - 1, s.heads - 1) + s.width) {}

  float* data() { return memory_.data(); }

  // Contiguous (B, T, NH, HD) values, there and back.
  void put(const std::vector<float>& values) {
    for_each_row([&](int64_t from, int64_t to) {
      memory_.put(to, {values.begin() + from, values.begin() + from + shape_.width});
    });
  }
  std::vector<float> get() const {
    std::vector<float> values(shape_.size());
    for_each_row([&](int64_t to, int64_t from) {
      const std::vector<float> row = memory_.get(from, shape_.width);
      std::copy(row.begin(), row.end(), values.begin() + to);
    });
    return values;
  }

 private:
  int64_t place(int64_t image, int64_t token, int64_t head) const {
    return image * strides_.image + token * strides_.token + head * strides_.head;
  }
  template <class F>
  void for_each_row(const F& f) const {
    for (int64_t b = 0; b < shape_.batch; ++b) {
      for (int64_t t = 0; t < shape_.tokens; ++t) {
        for (int64_t h = 0; h < shape_.heads; ++h) f(shape_.at(b, t, h), place(b, t, h));
      }
    }
  }

  ref::AttentionCase shape_;
  AttentionStrides strides_;
  testing::SparseArray<float> memory_;
};

// Strides of q, k, v and out, no two alike: none far, then each of them along each axis.
struct StridedCase {
  FarAxis q, k, v, out;
};
inline std::vector<StridedCase> strided_cases() {
  std::vector<StridedCase> cases = {{}};
  for (const FarAxis far : {FarAxis::kImage, FarAxis::kToken, FarAxis::kHead}) {
    const FarAxis near = FarAxis::kNone;
    cases.push_back({far, near, near, near});
    cases.push_back({near, far, near, near});
    cases.push_back({near, near, far, near});
    cases.push_back({near, near, near, far});
  }
  return cases;
}

}  // namespace assay::kernels
