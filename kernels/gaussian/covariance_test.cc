// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/covariance.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/gaussian/covariance_ref.h"
#include "kernels/gaussian/packed_triangle.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

// Samples with an offset of `offset` and a spread of about 1, channels correlated with their neighbours.
std::vector<float> random_samples(const CovarianceCase& s, double offset, uint32_t seed) {
  std::mt19937 engine(seed);
  std::vector<float> x;
  double previous = 0;
  for (int64_t i = 0; i < s.samples * s.positions * s.channels; ++i) {
    previous = 0.5 * previous + engine() * 0x1p-32 - 0.5;
    x.push_back(static_cast<float>(offset + previous));
  }
  return x;
}

struct State {
  GuardedBuffer<double> mean, comoment;
  explicit State(const CovarianceCase& s)
      : mean(s.positions * s.channels), comoment(s.positions * packed_size(s.channels)) {
    std::fill_n(mean.data(), mean.size(), 0.0);
    std::fill_n(comoment.data(), comoment.size(), 0.0);
  }
};

// Blocks of at most `block` samples.
void accumulate(const std::vector<float>& x, const CovarianceCase& s, int64_t block, State* state) {
  for (int64_t n = 0; n < s.samples; n += block) {
    const int64_t samples = std::min(block, s.samples - n), size = s.positions * s.channels;
    Staging staging;
    run(covariance_accumulate,
        {staging.in(x.data() + n * size, samples * size), staging.out(state->mean), staging.out(state->comoment),
         samples, n, s.positions, s.channels},
        staging.stream());
    staging.finish();
  }
}

void finish(const CovarianceCase& s, double regularisation, State* state) {
  Staging staging;
  run(covariance_finish, {staging.out(state->comoment), s.samples, s.positions, s.channels, regularisation},
      staging.stream());
  staging.finish();
}

// Samples enter the running mean and comoment one by one: N steps, each rounding delta, its product and two sums.
void check_against_reference(const CovarianceCase& s, double offset, uint32_t seed) {
  CAPTURE(s.positions);
  CAPTURE(s.samples);
  CAPTURE(s.channels);
  CAPTURE(seed);
  const std::vector<float> x = random_samples(s, offset, seed);
  const CovarianceExpected e = covariance_ref(x, s);
  State state(s);
  accumulate(x, s, 3, &state);
  finish(s, 0.25, &state);
  CHECK(state.mean.guards_intact());
  CHECK(state.comoment.guards_intact());
  CHECK(x == random_samples(s, offset, seed));
  int64_t wrong = 0;
  for (int64_t i = 0; i < s.positions * s.channels; ++i) {
    if (!(std::fabs(state.mean[i] - e.mean[i]) <= 4 * s.samples * 0x1p-53 * (offset + 1))) ++wrong;
  }
  for (int64_t p = 0; p < s.positions; ++p) {
    for (int64_t j = 0; j < s.channels; ++j) {
      for (int64_t i = j; i < s.channels; ++i) {
        const double got = state.comoment[p * packed_size(s.channels) + packed_column(s.channels, j) + i - j];
        const int64_t at = (p * s.channels + i) * s.channels + j;
        const double want = e.covariance[at] + (i == j ? 0.25 : 0);
        if (!(std::fabs(got - want) <= 8 * s.samples * 0x1p-53 * (e.magnitude[at] + want))) ++wrong;
      }
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("mean and covariance agree with the two-pass double reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const CovarianceCase& s : kCovarianceCases) check_against_reference(s, 0, 1);
  });
}

TEST_CASE("mean and covariance agree with the reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const auto below = [&](int64_t n) { return static_cast<int64_t>(engine() % n); };
    check_against_reference({below(20), below(12) + 1, below(36) + 1}, 0, seed);
  }
}

TEST_CASE("covariance survives a mean a million times the spread") { check_against_reference({3, 40, 9}, 1e6, 3); }

TEST_CASE("one sample has covariance zero, and only the regularisation stays") {
  const CovarianceCase s = {2, 1, 3};
  State state(s);
  accumulate(random_samples(s, 5, 1), s, 1, &state);
  finish(s, 0.01, &state);
  CHECK(state.comoment.values() == std::vector<double>{0.01, 0, 0, 0.01, 0, 0.01, 0.01, 0, 0, 0.01, 0, 0.01});
}

TEST_CASE("covariance bits depend neither on the cut into blocks nor on the number of threads") {
  const CovarianceCase s = {37, 23, 21};
  const std::vector<float> x = random_samples(s, 1, 5);
  State whole(s);
  set_num_threads(1);
  accumulate(x, s, s.samples, &whole);
  for (const int threads : {1, 2, 5}) {  // CUDA has none, but the cuts
    set_num_threads(threads);
    for (const int64_t block : {1, 8, 23}) {
      State state(s);
      accumulate(x, s, block, &state);
      CHECK(state.mean.values() == whole.mean.values());
      CHECK(state.comoment.values() == whole.comoment.values());
    }
  }
}

TEST_CASE("a NaN sample spoils its own position's channel and nothing else") {
  const CovarianceCase s = {3, 4, 5};
  std::vector<float> x = random_samples(s, 0, 2);
  x[1 * s.channels + 2] = std::numeric_limits<float>::quiet_NaN();  // sample 0, position 1, channel 2
  State state(s);
  accumulate(x, s, 4, &state);
  for (int64_t p = 0; p < s.positions; ++p) {
    for (int64_t j = 0; j < s.channels; ++j) {
      for (int64_t i = j; i < s.channels; ++i) {
        const double value = state.comoment[p * packed_size(s.channels) + packed_column(s.channels, j) + i - j];
        CHECK(std::isnan(value) == (p == 1 && (i == 2 || j == 2)));
      }
    }
  }
}

}  // namespace
}  // namespace assay::kernels
