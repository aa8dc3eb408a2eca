// SPDX-License-Identifier: Apache-2.0
// Runs a convolution on a case with memory of its own and compares it with the reference, for both kinds.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/conv/conv_ref.h"
#include "kernels/random/generator.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"

namespace assay::kernels {

// Places that a test lets differ between runs of the same case.
struct ConvPlacement {
  bool in_place = false;  // the residual is y itself
  int64_t shift = 0;      // floats by which x and weight are off the allocation's alignment
  int64_t offset = 0;     // the same of y
};

inline std::vector<float> normal_values(int64_t count, uint64_t seed) {
  Generator g(seed);
  std::vector<float> v(count);
  for (float& x : v) x = static_cast<float>(g.normal());
  return v;
}

template <class Args>
class ConvData {
 public:
  ConvData(const ref::ConvCase& t, int64_t weights_per_output, const ConvPlacement& placement = {})
      : t_(t),
        placement_(placement),
        x_(normal_values(t.batch * t.height * t.width * t.channels + placement.shift, 1)),
        weight_(normal_values(t.out_channels * weights_per_output + placement.shift, 2)),
        bias_(normal_values(t.out_channels, 3)),
        residual_(normal_values(t.residual ? t.batch * t.out_height * t.out_width * t.out_channels : 0, 4)),
        y_(t.batch * t.out_height * t.out_width * t.out_channels, placement.offset) {
    if (placement.in_place) {
      for (int64_t i = 0; i < y_.size(); ++i) y_[i] = residual_[i];
    }
  }

  std::vector<float>& x() { return x_; }

  std::vector<float> run_on_backend(const KernelTable<Args>& kernel) {
    testing::Staging staging;
    float* y = staging.out(y_);
    const float* residual = !t_.residual ? nullptr : placement_.in_place ? y : staging.in(residual_);
    run(kernel,
        args(staging.in(x_) + placement_.shift, staging.in(weight_) + placement_.shift, staging.in(bias_), residual, y),
        staging.stream());
    staging.finish();
    return y_.values();
  }

  template <class Element>
  void check(const Element& element) {
    const Args host = args(x_.data() + placement_.shift, weight_.data() + placement_.shift, bias_.data(),
                           t_.residual ? residual_.data() : nullptr, nullptr);
    int64_t wrong = 0;
    for (int64_t at = 0; at < y_.size(); ++at) {
      const int64_t cell = at / t_.out_channels, row = cell / t_.out_width;
      const ref::ConvElement e =
          element(host, row / t_.out_height, row % t_.out_height, cell % t_.out_width, at % t_.out_channels);
      if (!(std::abs(y_[at] - e.value) <= e.tolerance)) ++wrong;
    }
    CAPTURE(ref::conv_shape(t_));
    CHECK(wrong == 0);
    CHECK(y_.guards_intact());
  }

 private:
  Args args(const float* x, const float* weight, const float* bias, const float* residual, float* y) const {
    return {x,
            weight,
            bias,
            residual,
            y,
            t_.batch,
            t_.height,
            t_.width,
            t_.channels,
            t_.out_height,
            t_.out_width,
            t_.out_channels,
            t_.kernel_height,
            t_.kernel_width,
            t_.stride,
            t_.pad_top,
            t_.pad_left,
            t_.activation};
  }

  ref::ConvCase t_;
  ConvPlacement placement_;
  std::vector<float> x_, weight_, bias_, residual_;
  testing::GuardedBuffer<float> y_;
};

}  // namespace assay::kernels
