// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/dropout/dropout.h"
#include "kernels/dropout/dropout_ref.h"
#include "tests/support/numbers.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;
using testing::random_floats;

PreparedCase prepare_dropout(int64_t count) {
  const auto x = std::make_shared<std::vector<float>>(random_floats(count, 1));
  const auto y = std::make_shared<std::vector<float>>(count);
  const auto holds = [=] {
    for (int64_t i = 0; i < 1000; ++i) {
      const double want = ref::dropout((*x)[i], 0.2f, 3, 4, i);
      if (!(std::fabs((*y)[i] - want) <= 2e-7 * std::fabs(want))) return false;
    }
    return true;
  };
  return {[=] { run(dropout_forward, {x->data(), y->data(), count, 0.2f, 3, 4}); }, {}, holds};
}

}  // namespace

std::vector<Case> dropout_cases() {
  const int64_t count = int64_t{16} * 789 * 3072;
  // A Philox block of ten rounds is some 60 integer operations for four elements; they are not counted as FLOP.
  return {{"dropout_forward", "16x789x3072", 1.0 * count, ref::dropout_bytes(count),
           [=] { return prepare_dropout(count); }}};
}

}  // namespace assay::bench
