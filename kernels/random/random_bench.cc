// SPDX-License-Identifier: Apache-2.0
// The tokens of a batch of a transformer: a dropout's numbers.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/random/philox_uniform.h"
#include "kernels/random/philox_uniform_ref.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

PreparedCase prepare(int64_t count) {
  const auto y = std::make_shared<Buffer<float>>(count);
  return {[=] {
            launch(philox_uniform, {y->data(), count, 1, 2});
          },
          [=] {
            std::vector<double> expected;
            for (int i = 0; i < std::min<int64_t>(count, 1000); ++i) {
              expected.push_back(ref::philox_uniform(1, 2, i / 4, i % 4));
            }
            return begins_with(*y, expected, 0);
          }};
}

}  // namespace

std::vector<Case> random_cases(const Scale& s) {
  const int64_t count = s(16) * s(784) * s(768);
  return {{"philox_uniform", shape_text({count}), 0, 4.0 * static_cast<double>(count), [=] { return prepare(count); }}};
}

}  // namespace assay::bench
