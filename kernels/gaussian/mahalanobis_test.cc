// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/mahalanobis.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/gaussian/mahalanobis_ref.h"
#include "kernels/gaussian/packed_triangle.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using testing::GuardedBuffer;
using testing::Staging;

// Factors with a diagonal of 0.5 to 2 and rows below it that sum to at most 1: condition numbers below some 100.
struct Problem {
  MahalanobisCase shape;
  std::vector<float> x, mean, factor;
  Problem(const MahalanobisCase& s, uint32_t seed) : shape(s) {
    std::mt19937 engine(seed);
    const auto uniform = [&](double low, double high) {
      return static_cast<float>(low + (high - low) * (engine() * 0x1p-32));
    };
    for (int64_t p = 0; p < s.positions; ++p) {
      for (int64_t j = 0; j < s.channels; ++j) {
        x.push_back(uniform(-3, 3));
        mean.push_back(uniform(-1, 1));
        factor.push_back(uniform(0.5, 2));
        for (int64_t i = j + 1; i < s.channels; ++i) factor.push_back(uniform(-1, 1) / s.channels);
      }
    }
  }
  GuardedBuffer<float>* run_into(GuardedBuffer<float>* distance) const {
    GuardedBuffer<double> workspace(shape.positions * shape.channels);
    Staging s;
    run(mahalanobis,
        {s.in(x), s.in(mean), s.in(factor), s.out(workspace), s.out(*distance), shape.positions, shape.channels},
        s.stream());
    s.finish();
    CHECK(workspace.guards_intact());
    CHECK(distance->guards_intact());
    return distance;
  }
  std::vector<float> distances() const {
    GuardedBuffer<float> distance(shape.positions);
    return run_into(&distance)->values();
  }
  std::vector<float> dense_factor(int64_t p) const {
    std::vector<float> dense(shape.channels * shape.channels, 0);
    const float* packed = factor.data() + p * packed_size(shape.channels);
    for (int64_t j = 0; j < shape.channels; ++j) {
      for (int64_t i = j; i < shape.channels; ++i) dense[i * shape.channels + j] = *packed++;
    }
    return dense;
  }
};

// Double throughout and one rounding to float32: that rounding, and D double steps times the condition number.
void check_against_reference(const MahalanobisCase& s, uint32_t seed) {
  CAPTURE(s.positions);
  CAPTURE(s.channels);
  CAPTURE(seed);
  const Problem problem(s, seed);
  const std::vector<float> got = problem.distances();
  int64_t wrong = 0;
  for (int64_t p = 0; p < s.positions; ++p) {
    const double want = mahalanobis_ref(problem.x.data() + p * s.channels, problem.mean.data() + p * s.channels,
                                        problem.dense_factor(p), s.channels);
    if (!(std::fabs(got[p] - want) <= want * (0x1p-24 + 4 * s.channels * 0x1p-53 * 100))) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(problem.x == Problem(s, seed).x);
  CHECK(problem.mean == Problem(s, seed).mean);
  CHECK(problem.factor == Problem(s, seed).factor);
}

TEST_CASE("mahalanobis agrees with the reference at the edges of every width") {
  testing::for_each_target([](const char* target) {
    CAPTURE(target);
    for (const MahalanobisCase& s : kMahalanobisCases) check_against_reference(s, 1);
  });
}

TEST_CASE("mahalanobis agrees with the reference on random shapes") {
  std::mt19937 engine(7);
  for (uint32_t seed = 0; seed < 60; ++seed) {
    check_against_reference({static_cast<int64_t>(engine() % 70), static_cast<int64_t>(engine() % 20) + 1}, seed);
  }
}

TEST_CASE("with the identity as factor, mahalanobis is the Euclidean distance") {
  Problem problem({1, 2}, 1);
  problem.x = {4, 6};
  problem.mean = {1, 2};
  problem.factor = {1, 0, 1};
  CHECK(problem.distances() == std::vector<float>{5});
  problem.factor = {2, 0, 2};
  CHECK(problem.distances() == std::vector<float>{2.5});
}

TEST_CASE("mahalanobis keeps a NaN at its own position") {
  Problem problem({40, 6}, 1);
  const std::vector<float> clean = problem.distances();
  problem.x[33 * 6 + 5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> got = problem.distances();
  for (int64_t p = 0; p < 40; ++p) CHECK((p == 33 ? std::isnan(got[p]) : got[p] == clean[p]));
}

TEST_CASE("mahalanobis gives the same bits for any number of threads") {
  if (testing::on_cuda()) return;  // threads are the CPU's
  const Problem problem({150, 21}, 4);
  set_num_threads(1);
  const std::vector<float> one = problem.distances();
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    CHECK(problem.distances() == one);
  }
}

}  // namespace
}  // namespace assay::kernels
