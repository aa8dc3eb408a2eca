// SPDX-License-Identifier: Apache-2.0
// PaDiM: Gaussians of 28 x 28 positions and 100 channels. Operations are in double; mahalanobis reads its factor in
// float32.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/gaussian/cholesky.h"
#include "kernels/gaussian/covariance.h"
#include "kernels/gaussian/covariance_ref.h"
#include "kernels/gaussian/mahalanobis.h"
#include "kernels/gaussian/mahalanobis_ref.h"
#include "kernels/gaussian/packed_triangle.h"
#include "tools/bench/case_list.h"
#include "tools/bench/launch.h"
#include "tools/bench/samples.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

// P triangles with ones on the diagonal and little beside them: positive definite.
template <class T>
std::vector<T> near_identity(int64_t positions, int64_t order, double most) {
  const int64_t triangle = packed_size(order);
  std::vector<T> x = sample_values<T>(positions * triangle, 1, -most, most);
  for (int64_t p = 0; p < positions; ++p) {
    for (int64_t i = 0; i < order; ++i) x[p * triangle + packed_column(order, i)] = 1;
  }
  return x;
}

// Once more from the first sample on top of what is there: the same work, and numbers that grow slowly.
PreparedCase prepare_accumulate(int64_t positions, int64_t channels, int64_t num_samples) {
  struct State {
    Buffer<float> x;                // (N, P, D)
    Buffer<double> mean, comoment;  // (P, D), (P, T)
  };
  const auto s =
      std::make_shared<State>(State{samples(num_samples * positions * channels, 1), zeros<double>(positions * channels),
                                    zeros<double>(positions * packed_size(channels))});
  return {[=] {
            launch(covariance_accumulate,
                   {s->x.data(), s->mean.data(), s->comoment.data(), num_samples, 0, positions, channels});
          },
          [=] {  // the first position's variance of its first channel
            std::vector<float> first;
            for (int64_t n = 0; n < num_samples; ++n) first.push_back(s->x.values(n * positions * channels, 1)[0]);
            const CovarianceExpected e = covariance_ref(first, {1, num_samples, 1});
            const double divisor = static_cast<double>(std::max<int64_t>(num_samples - 1, 1));
            return std::fabs(s->comoment.values(0, 1)[0] / divisor - e.covariance[0]) <= 1e-12;
          }};
}

// Of two samples: dividing by one, run after run only adds to the diagonal.
PreparedCase prepare_finish(int64_t positions, int64_t channels) {
  const auto matrix = std::make_shared<Buffer<double>>(near_identity<double>(positions, channels, 1e-4));
  return {[=] {
            launch(covariance_finish, {matrix->data(), 2, positions, channels, 0.01});
          },
          [=] {
            std::vector<double> expected = near_identity<double>(1, channels, 1e-4);
            for (int64_t i = 0; i < channels; ++i) expected[packed_column(channels, i)] += 0.01;
            return begins_with(*matrix, expected, 1e-15);
          }};
}

// In place: run after run factorises the last factor, which this close to the identity is positive definite again. Its
// diagonal tends to 1 less the squares beside it, some 3e-7 here, and what lies beside it grows by less than that.
PreparedCase prepare_cholesky(int64_t positions, int64_t channels) {
  struct Factors {
    Buffer<double> matrix;  // (P, T)
    Buffer<float> factor;   // (P, T)
    Buffer<int64_t> bad_pivot;
  };
  constexpr double kMost = 1e-4;
  const int64_t triangle = packed_size(channels);
  const auto f = std::make_shared<Factors>(Factors{Buffer<double>(near_identity<double>(positions, channels, kMost)),
                                                   Buffer<float>(positions * triangle), Buffer<int64_t>(positions)});
  return {[=] {
            launch(cholesky, {f->matrix.data(), f->factor.data(), f->bad_pivot.data(), positions, channels});
          },
          [=] {  // L L^T in the last row's last two elements of the first position, and no pivot failed
            const std::vector<double> before = near_identity<double>(1, channels, kMost);
            const std::vector<float> l = f->factor.values(0, triangle);
            const std::vector<int64_t> pivots = f->bad_pivot.values();
            for (const int64_t column : {channels - 1, std::max<int64_t>(channels - 2, 0)}) {
              double sum = 0;
              for (int64_t k = 0; k <= column; ++k) {
                const int64_t at = packed_column(channels, k) - k;
                sum += static_cast<double>(l[at + channels - 1]) * l[at + column];
              }
              if (!(std::fabs(sum - before[packed_column(channels, column) + channels - 1 - column]) <= 1e-6)) {
                return false;
              }
            }
            return std::all_of(pivots.begin(), pivots.end(), [](int64_t pivot) { return pivot < 0; });
          }};
}

PreparedCase prepare_mahalanobis(int64_t positions, int64_t channels) {
  struct State {
    Buffer<float> x, mean;     // (P, D)
    Buffer<float> factor;      // (P, T)
    Buffer<double> workspace;  // (P, D)
    Buffer<float> distance;    // (P)
  };
  const auto s = std::make_shared<State>(State{samples(positions * channels, 1), samples(positions * channels, 2),
                                               Buffer<float>(near_identity<float>(positions, channels, 0.01)),
                                               Buffer<double>(positions * channels), Buffer<float>(positions)});
  return {[=] {
            launch(mahalanobis, {s->x.data(), s->mean.data(), s->factor.data(), s->workspace.data(), s->distance.data(),
                                 positions, channels});
          },
          [=] {
            const std::vector<float> packed = s->factor.values(0, packed_size(channels));
            std::vector<float> dense(channels * channels, 0);
            const float* next = packed.data();
            for (int64_t j = 0; j < channels; ++j) {
              for (int64_t i = j; i < channels; ++i) dense[i * channels + j] = *next++;
            }
            const double expected =
                mahalanobis_ref(s->x.values(0, channels).data(), s->mean.values(0, channels).data(), dense, channels);
            return begins_with(s->distance, {expected}, 1e-6 * expected);
          }};
}

}  // namespace

std::vector<Case> gaussian_cases(const Scale& s) {
  const int64_t p = s(784), d = s(100), n = s(32);
  const double positions = static_cast<double>(p), channels = static_cast<double>(d), count = static_cast<double>(n),
               triangle = static_cast<double>(packed_size(d));
  const std::string grid = shape_text({p, d});
  const Arithmetic in_double = Arithmetic::kFloat64;
  return {
      {"covariance_accumulate", grid + ":" + std::to_string(n), 2 * count * positions * triangle,
       positions * (4 * count * channels + 16 * triangle + 16 * channels), [=] { return prepare_accumulate(p, d, n); },
       "f32>f64", in_double},
      {"covariance_finish", grid, positions * triangle, positions * 16 * triangle, [=] { return prepare_finish(p, d); },
       "f64", in_double},
      {"cholesky", grid, positions * channels * channels * channels / 3, positions * triangle * (8 + 8 + 4),
       [=] { return prepare_cholesky(p, d); }, "f64>f32", in_double},
      {"mahalanobis", grid, 2 * positions * triangle, positions * (4 * triangle + 24 * channels),
       [=] { return prepare_mahalanobis(p, d); }, "f32", in_double},
  };
}

}  // namespace assay::bench
