// SPDX-License-Identifier: Apache-2.0
// The hidden layer of a ViT-B's MLP.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/dropout/dropout.h"
#include "kernels/dropout/dropout_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

struct Values {
  Buffer<float> x, y;
  // One rounding of the factor and one of the product.
  bool hold() const {
    const std::vector<float> first = x.values(0, 1000);
    std::vector<double> want, tolerance;
    for (size_t i = 0; i < first.size(); ++i) {
      want.push_back(ref::dropout(first[i], 0.2f, 3, 4, static_cast<int64_t>(i)));
      tolerance.push_back(2e-7 * std::abs(want.back()));
    }
    return begins_with(y, want, tolerance);
  }
};

// Backward draws the same mask for the gradient.
PreparedCase prepare(int64_t count, bool backward) {
  const auto v = std::make_shared<Values>(Values{samples(count, 1), Buffer<float>(count)});
  const auto body = [=] {
    if (backward) {
      launch(dropout_backward, {v->x.data(), v->y.data(), count, 0.2f, 3, 4});
    } else {
      launch(dropout_forward, {v->x.data(), v->y.data(), count, 0.2f, 3, 4});
    }
  };
  return {body, [=] { return v->hold(); }};
}

}  // namespace

std::vector<Case> dropout_cases(const Scale& s) {
  const int64_t batch = s(16), tokens = s(789), hidden = s(3072), count = batch * tokens * hidden;
  const std::string shape = shape_text({batch, tokens, hidden});
  // A Philox block of ten rounds is some 60 integer operations for four elements; they are not counted as FLOP.
  const double flop = static_cast<double>(count);
  return {{"dropout_forward", shape, flop, ref::dropout_bytes(count), [=] { return prepare(count, false); }},
          {"dropout_backward", shape, flop, ref::dropout_bytes(count), [=] { return prepare(count, true); }}};
}

}  // namespace assay::bench
