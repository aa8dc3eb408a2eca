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
  // Floats by which an array is off the allocation's alignment.
  int64_t x = 0, weight = 0, residual = 0, y = 0;
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
        x_(normal_values(t.batch * t.height * t.width * t.channels + placement.x, 1)),
        weight_(normal_values(t.out_channels * weights_per_output + placement.weight, 2)),
        bias_(normal_values(t.out_channels, 3)),
        residual_(normal_values(t.residual ? outputs(t) + placement.residual : 0, 4)),
        y_(outputs(t), placement.y) {
    if (placement.in_place) {
      for (int64_t i = 0; i < y_.size(); ++i) y_[i] = residual_[i + placement.residual];
    }
  }

  std::vector<float>& x() { return x_; }

  std::vector<float> run_on_backend(const KernelTable<Args>& kernel) {
    testing::Staging staging;
    float* y = staging.out(y_);
    const float* residual = !t_.residual          ? nullptr
                            : placement_.in_place ? y
                                                  : staging.in(residual_) + placement_.residual;
    run(kernel,
        args(staging.in(x_) + placement_.x, staging.in(weight_) + placement_.weight, staging.in(bias_), residual, y),
        staging.stream());
    staging.finish();
    return y_.values();
  }

  template <class Element>
  void check(const Element& element) {
    const Args host = args(x_.data() + placement_.x, weight_.data() + placement_.weight, bias_.data(),
                           t_.residual ? residual_.data() + placement_.residual : nullptr, nullptr);
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
  static int64_t outputs(const ref::ConvCase& t) { return t.batch * t.out_height * t.out_width * t.out_channels; }

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
