// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/gaussian/cholesky.h"
#include "kernels/gaussian/covariance.h"
#include "kernels/gaussian/covariance_ref.h"
#include "kernels/gaussian/mahalanobis.h"
#include "kernels/gaussian/mahalanobis_ref.h"
#include "kernels/gaussian/packed_triangle.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

// Gaussians of P positions and D channels, from N samples.
struct Gaussians {
  int64_t positions, channels, samples;
  std::vector<float> x;          // (N, P, D)
  std::vector<double> mean;      // (P, D)
  std::vector<double> comoment;  // (P, T)
  std::vector<double> matrix;    // (P, T), covariances
  std::vector<double> scratch;   // (P, T), what the factorisation works on
  std::vector<float> factor;     // (P, T)
  std::vector<int64_t> bad_pivot;
  std::vector<float> float_mean;  // (P, D)
  std::vector<double> y;          // (P, D)
  std::vector<float> distance;    // (P)

  Gaussians(int64_t p, int64_t d, int64_t n)
      : positions(p),
        channels(d),
        samples(n),
        x(n * p * d),
        mean(p * d, 0),
        comoment(p * packed_size(d), 0),
        factor(comoment.size()),
        bad_pivot(p),
        float_mean(p * d, 0),
        y(p * d),
        distance(p) {
    std::mt19937 engine(1);
    for (float& v : x) v = static_cast<float>(engine() * 0x1p-31 - 1);
    accumulate();
    matrix = comoment;
    run(covariance_finish, {matrix.data(), samples, positions, channels, 0.01});
    scratch = matrix;
    factorise();
  }
  void accumulate() {
    std::fill(mean.begin(), mean.end(), 0.0);
    std::fill(comoment.begin(), comoment.end(), 0.0);
    run(covariance_accumulate, {x.data(), mean.data(), comoment.data(), samples, 0, positions, channels});
  }
  void factorise() {
    std::copy(matrix.begin(), matrix.end(), scratch.begin());
    run(cholesky, {scratch.data(), factor.data(), bad_pivot.data(), positions, channels});
  }
  void measure() {
    run(mahalanobis, {x.data(), float_mean.data(), factor.data(), y.data(), distance.data(), positions, channels});
  }

  // The first position's variance of its first channel.
  bool covariance_holds() const {
    std::vector<float> first;
    for (int64_t n = 0; n < samples; ++n) first.push_back(x[n * positions * channels]);
    const CovarianceExpected e = covariance_ref(first, {1, samples, 1});
    return std::fabs(comoment[0] / static_cast<double>(samples - 1) - e.covariance[0]) <= 1e-12;
  }
  // The first position's L L^T, in its last element, and no pivot failed.
  bool factor_holds() const {
    double sum = 0;
    for (int64_t k = 0; k < channels; ++k) {
      const double v = factor[packed_column(channels, k) + channels - 1 - k];
      sum += v * v;
    }
    return std::fabs(sum - matrix[packed_size(channels) - 1]) <= 1e-5 * sum &&
           std::all_of(bad_pivot.begin(), bad_pivot.end(), [](int64_t pivot) { return pivot < 0; });
  }
  bool distance_holds() const {
    std::vector<float> dense(channels * channels, 0);
    const float* packed = factor.data();
    for (int64_t j = 0; j < channels; ++j) {
      for (int64_t i = j; i < channels; ++i) dense[i * channels + j] = *packed++;
    }
    const double expected = mahalanobis_ref(x.data(), float_mean.data(), dense, channels);
    return std::fabs(distance[0] - expected) <= 1e-6 * expected;
  }
};

}  // namespace

// Operations and bytes in double where the kernel's are; mahalanobis reads its factor in float32.
std::vector<Case> gaussian_cases() {
  const int64_t p = 784, d = 100, n = 32;
  const double positions = p, channels = d, samples = n, triangle = static_cast<double>(packed_size(d));
  const auto make = [=] { return std::make_shared<Gaussians>(p, d, n); };
  const std::string grid = std::to_string(p) + "x" + std::to_string(d);
  return {
      {"covariance_accumulate", grid + ":" + std::to_string(n), 2 * samples * positions * triangle,
       positions * (4 * samples * channels + 16 * triangle + 16 * channels),
       [make]() -> PreparedCase {
         const auto g = make();
         return {[g] { g->accumulate(); }, nullptr, [g] { return g->covariance_holds(); }};
       }},
      {"cholesky", grid, positions * channels * channels * channels / 3, positions * triangle * (8 + 8 + 4),
       [make]() -> PreparedCase {
         const auto g = make();
         return {[g] { g->factorise(); }, nullptr, [g] { return g->factor_holds(); }};
       }},
      {"mahalanobis", grid, 2 * positions * triangle, positions * (4 * triangle + 24 * channels),
       [make]() -> PreparedCase {
         const auto g = make();
         return {[g] { g->measure(); }, nullptr, [g] { return g->distance_holds(); }};
       }},
  };
}

}  // namespace assay::bench
