// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/device_limits.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/base/check.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

// What each thread of two blocks wrote.
template <class Launch>
std::vector<float> sums_of(const Launch& launch) {
  testing::GuardedBuffer<float> sink(2 * kLimitThreads);
  testing::Staging staging;
  launch(staging, staging.out(sink));
  staging.finish();
  CHECK(sink.guards_intact());
  return sink.values();
}

TEST_CASE("multiply_add_limit does the multiply-adds that it is counted for") {
  constexpr int kSteps = 5;
  for (const Arithmetic arithmetic : {Arithmetic::kFloat32, Arithmetic::kFloat64, Arithmetic::kTf32,
                                      Arithmetic::kFloat16, Arithmetic::kBfloat16, Arithmetic::kInt8}) {
    CAPTURE(name_of(arithmetic));
    const std::vector<float> sums =
        sums_of([&](testing::Staging&, float* sink) { launch_multiply_add_limit(arithmetic, 2, kSteps, sink); });
    const double flop = multiply_add_limit_flop(arithmetic, 2, kSteps);
    double total = 0;
    for (const float sum : sums) total += sum;
    if (arithmetic == Arithmetic::kFloat32 || arithmetic == Arithmetic::kFloat64) {
      const double chains = flop / (2.0 * kSteps * static_cast<double>(sums.size()));
      const double started = chains * (chains - 1) / 2;  // 0 + 1 + ... of a thread
      const double expected = chains + (started - chains) / std::pow(2, kSteps);
      for (const float sum : sums) CHECK(std::abs(sum - expected) <= 1e-6 * expected);
    } else {
      CHECK(total == flop / 2);  // matrices of ones: each multiply-add adds one to one sum
    }
  }
}

TEST_CASE("multiply_add_limit refuses what no unit does in one product") {
  CHECK_THROWS_AS(launch_multiply_add_limit(Arithmetic::kThreeTf32, 1, 1, nullptr), Error);
  CHECK_THROWS_AS(multiply_add_limit_flop(Arithmetic::kThreeTf32, 1, 1), Error);
}

TEST_CASE("read_limit reads every float once") {
  const std::vector<float> memory = sample_integers<float>(4 * (2 * kLimitThreads + 3), 1, 10);
  testing::GuardedBuffer<float> aligned(static_cast<int64_t>(memory.size()), 0);
  double expected = 0, total = 0;
  for (size_t i = 0; i < memory.size(); ++i) {
    aligned[static_cast<int64_t>(i)] = memory[i];
    expected += memory[i];
  }
  for (const float sum : sums_of([&](testing::Staging&staging, float*sink) {
         launch_read_limit(staging.in(aligned), aligned.size(), 2, sink);
       })) {
    total += sum;
  }
  CHECK(total == expected);
}

}  // namespace
}  // namespace assay::bench
