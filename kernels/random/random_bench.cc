// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/random/philox_uniform.h"
#include "kernels/random/philox_uniform_ref.h"
#include "tools/bench/case.h"
#include "tools/bench/samples.h"

namespace assay::bench {

using namespace assay::kernels;

std::vector<Case> random_cases() {
  const int64_t count = 16 * 784 * 768;  // the tokens of a batch of a transformer: a dropout's numbers
  const auto prepare = [=]() -> PreparedCase {
    const auto y = std::make_shared<std::vector<float>>(count);
    return {[=] {
              run(philox_uniform, {y->data(), count, 1, 2});
            },
            nullptr,
            [=] {
              std::vector<double> expected;
              for (int i = 0; i < 1000; ++i) expected.push_back(ref::philox_uniform(1, 2, i / 4, i % 4));
              return begins_with(*y, expected, 0);
            }};
  };
  return {{"philox_uniform", std::to_string(count), 0, 4.0 * static_cast<double>(count), prepare}};
}

}  // namespace assay::bench
