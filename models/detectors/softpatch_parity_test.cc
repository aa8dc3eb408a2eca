// SPDX-License-Identifier: Apache-2.0
// SoftPatch once more, naively, in double. Without whitening the bank's space only turns features: distances, and
// Mahalanobis distances with a multiple of the identity added, are those of the features themselves.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "models/detectors/softpatch.h"
#include "tests/support/synthetic_features.h"

namespace assay::models {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;
using Row = std::vector<double>;
using Rows = std::vector<Row>;

constexpr uint64_t kSeed = 5;

std::vector<int64_t> first_images(int64_t count) {
  std::vector<int64_t> images(count);
  std::iota(images.begin(), images.end(), 0);
  return images;
}

Softpatch fitted(const FeatureSource& source, const std::vector<int64_t>& images, const SoftpatchOptions& options) {
  Softpatch softpatch(options);
  FitOptions fit;
  fit.seed = kSeed;
  softpatch.fit(source, images, fit);
  return softpatch;
}

Rows rows_of(const FeatureGrid& grid) {
  Rows rows;
  for (int64_t cell = 0; cell < grid.rows.dim(0); ++cell) {
    const float* x = grid.rows.data<float>() + cell * grid.rows.dim(1);
    rows.emplace_back(x, x + grid.rows.dim(1));
  }
  return rows;
}

double triangle(int64_t cell, int64_t i, int64_t in, int64_t out) {
  const double at = std::clamp((i + 0.5) * in / out - 0.5, 0.0, in - 1.0);
  return std::max(0.0, 1 - std::fabs(at - cell));
}

Rows resampled(const Rows& rows, int64_t height, int64_t width, int64_t height2, int64_t width2) {
  Rows out(height2 * width2, Row(rows[0].size(), 0));
  for (int64_t i = 0; i < height2 * width2; ++i) {
    for (int64_t j = 0; j < height * width; ++j) {
      const double w =
          triangle(j / width, i / width2, height, height2) * triangle(j % width, i % width2, width, width2);
      for (size_t c = 0; c < rows[0].size(); ++c) out[i][c] += w * rows[j][c];
    }
  }
  return out;
}

double squared_distance(const Row& a, const Row& b) {
  double sum = 0;
  for (size_t d = 0; d < a.size(); ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

Row naive_lof(const Rows& points, size_t wanted) {
  const size_t n = points.size(), k = std::min(wanted, n - 1);
  std::vector<std::vector<std::pair<double, size_t>>> near(n);
  for (size_t p = 0; p < n; ++p) {
    for (size_t o = 0; o < n; ++o) {
      if (o != p) near[p].push_back({std::sqrt(squared_distance(points[p], points[o])), o});
    }
    std::sort(near[p].begin(), near[p].end());
    near[p].resize(k);
  }
  Row density(n), lof(n, 0);
  for (size_t p = 0; p < n; ++p) {
    double sum = 0;
    for (const auto& [distance, o] : near[p]) sum += std::max(distance, near[o].back().first);
    density[p] = k / sum;
  }
  for (size_t p = 0; p < n; ++p) {
    for (const auto& neighbour : near[p]) lof[p] += density[neighbour.second] / density[p] / k;
  }
  return lof;
}

// sqrt((x - mean)^T (S + 0.01 I)^-1 (x - mean)), by elimination.
Row naive_mahalanobis(const Rows& points) {
  const size_t n = points.size(), order = points[0].size();
  Row mean(order, 0);
  for (const Row& p : points) {
    for (size_t c = 0; c < order; ++c) mean[c] += p[c] / n;
  }
  Rows covariance(order, Row(order, 0));
  for (size_t i = 0; i < order; ++i) {
    for (size_t j = 0; j < order; ++j) {
      for (const Row& p : points) covariance[i][j] += (p[i] - mean[i]) * (p[j] - mean[j]) / (n - 1);
    }
    covariance[i][i] += 0.01;
  }
  Row distances;
  for (const Row& p : points) {
    Rows s = covariance;
    Row z(order);
    for (size_t c = 0; c < order; ++c) z[c] = p[c] - mean[c];
    double sum = 0;
    for (size_t k = 0; k < order; ++k) {
      sum += z[k] * z[k] / s[k][k];
      for (size_t i = k + 1; i < order; ++i) {
        const double share = s[i][k] / s[k][k];
        for (size_t j = k; j < order; ++j) s[i][j] -= share * s[k][j];
        z[i] -= share * z[k];
      }
    }
    distances.push_back(std::sqrt(sum));
  }
  return distances;
}

Row naive_scores(const Rows& points, const SoftpatchOptions& options) {
  if (options.discriminator == Discriminator::kLof) return naive_lof(points, options.neighbours);
  if (options.discriminator == Discriminator::kGaussian) {
    Row scores = naive_mahalanobis(points);
    for (double& v : scores) v += 1;
    return scores;
  }
  Row scores(points.size(), INFINITY);
  for (size_t p = 0; p < points.size(); ++p) {
    for (size_t o = 0; o < points.size(); ++o) {
      if (o != p) scores[p] = std::min(scores[p], std::sqrt(squared_distance(points[p], points[o])));
    }
    scores[p] += 1;
  }
  return scores;
}

struct Naive {
  Rows patches;  // those that are not noise
  Row weights;
  size_t num_patches = 0;
};

Naive naive_fit(const FeatureSource& source, const std::vector<int64_t>& images, const SoftpatchOptions& options,
                int64_t height, int64_t width) {
  std::vector<Rows> aligned;
  for (const int64_t i : images) {
    const FeatureGrid grid = source.read(i);
    aligned.push_back(resampled(rows_of(grid), grid.height, grid.width, height, width));
  }
  std::vector<Rows> at_reference(images.size(), Rows(height * width, Row(1)));
  for (int64_t p = 0; p < height * width; ++p) {
    Rows points;
    for (const Rows& rows : aligned) points.push_back(rows[p]);
    const Row scores = naive_scores(points, options);
    for (size_t i = 0; i < images.size(); ++i) at_reference[i][p][0] = scores[i];
  }
  Naive all;
  for (size_t i = 0; i < images.size(); ++i) {
    const FeatureGrid grid = source.read(images[i]);
    for (const Row& row : rows_of(grid)) all.patches.push_back(row);
    for (const Row& w : resampled(at_reference[i], height, width, grid.height, grid.width)) all.weights.push_back(w[0]);
  }
  Row sorted = all.weights;
  std::sort(sorted.begin(), sorted.end());
  const double last = (1 - options.noise_share) * static_cast<double>(sorted.size() - 1);
  const double largest = sorted[static_cast<size_t>(last)];  // the last at or below the quantile
  Naive kept;
  kept.num_patches = sorted.size();
  for (size_t p = 0; p < all.patches.size(); ++p) {
    if (all.weights[p] > largest) continue;
    kept.patches.push_back(all.patches[p]);
    kept.weights.push_back(all.weights[p]);
  }
  return kept;
}

SyntheticFeatures small(const std::vector<std::pair<int64_t, int64_t>>& grids, int64_t num_images = 12) {
  SyntheticOptions options;
  options.num_images = num_images;
  options.feature_width = 6;
  options.grids = grids;
  return SyntheticFeatures(options);
}

void check_against_naive(const SyntheticFeatures& source, const SoftpatchOptions& options, int64_t height,
                         int64_t width) {
  const std::vector<int64_t> images = first_images(9);
  const Softpatch softpatch = fitted(source, images, options);
  const Naive naive = naive_fit(source, images, options, height, width);
  REQUIRE(softpatch.num_references() == static_cast<int64_t>(naive.patches.size()));
  for (int64_t i = 0; i < source.num_images(); ++i) {
    const FeatureGrid grid = source.read(i);
    const Tensor map = softpatch.score(grid);
    REQUIRE(map.shape() == Shape{grid.height, grid.width});
    const Rows rows = rows_of(grid);
    int64_t wrong = 0;
    for (size_t cell = 0; cell < rows.size(); ++cell) {
      size_t nearest = 0;
      for (size_t r = 1; r < naive.patches.size(); ++r) {
        if (squared_distance(rows[cell], naive.patches[r]) < squared_distance(rows[cell], naive.patches[nearest])) {
          nearest = r;
        }
      }
      const double distance2 = squared_distance(rows[cell], naive.patches[nearest]);
      // Features of size 20 are turned in float32: each squared distance d is off by some 2^-20 (1 + d), weights, which
      // are made of distances, by the same, relatively, a few times over.
      const double tolerance = 0x1p-17 * (1 + distance2) * naive.weights[nearest];
      if (!(std::fabs(map.data<float>()[cell] - distance2 * naive.weights[nearest]) <= tolerance)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("softpatch agrees with SoftPatch written naively in double, on one grid and on several") {
  for (const Discriminator discriminator : {Discriminator::kLof, Discriminator::kNearest, Discriminator::kGaussian}) {
    CAPTURE(std::string(discriminator_name(discriminator)));
    SoftpatchOptions options;
    options.discriminator = discriminator;
    options.coreset_ratio = 1;  // all that is not noise
    check_against_naive(small({{5, 4}}), options, 5, 4);
    check_against_naive(small({{5, 4}, {3, 7}, {6, 3}}), options, 5, 4);  // median 5 x 4
    options.noise_share = 0;
    check_against_naive(small({{5, 4}}), options, 5, 4);
    options.noise_share = 0.5;
    options.neighbours = 3;
    check_against_naive(small({{5, 4}}), options, 5, 4);
    options.neighbours = 40;  // more than there are images
    check_against_naive(small({{3, 7}, {5, 4}, {6, 3}}), options, 5, 4);
  }
}

TEST_CASE("the coreset is a share of all patches, taken farthest first, each with its own weight") {
  const SyntheticFeatures source = small({{5, 4}, {3, 7}, {6, 3}});
  const std::vector<int64_t> images = first_images(9);
  SoftpatchOptions options;
  options.coreset_ratio = 0.2;
  const Softpatch softpatch = fitted(source, images, options);
  const Naive naive = naive_fit(source, images, options, 5, 4);
  REQUIRE(softpatch.num_references() == std::llround(0.2 * static_cast<double>(naive.num_patches)));
  std::map<std::string, Tensor> tensors;
  softpatch.save(&tensors);
  const Tensor bank = tensors.at("softpatch.bank"), weight = tensors.at("softpatch.weight");
  // Which of the naive patches each reference is, by its place in the space.
  const BankSpace space = BankSpace::fit(source, images, options.space, kSeed);
  FeatureGrid all;
  all.height = static_cast<int64_t>(naive.patches.size());
  all.width = 1;
  all.rows = Tensor::empty<float>({all.height, 6}, "test");
  for (int64_t p = 0; p < all.height; ++p) {
    std::copy(naive.patches[p].begin(), naive.patches[p].end(), all.rows.data<float>() + p * 6);
  }
  const Rows projected = rows_of({all.height, 1, 0, 0, space.project(all)});
  std::vector<size_t> references;
  for (int64_t r = 0; r < bank.dim(0); ++r) {
    const Row row(bank.data<float>() + r * 6, bank.data<float>() + (r + 1) * 6);
    const auto found =
        std::find_if(projected.begin(), projected.end(), [&](const Row& p) { return squared_distance(p, row) < 1e-9; });
    REQUIRE(found != projected.end());
    references.push_back(found - projected.begin());
    CHECK(weight.data<float>()[r] == doctest::Approx(naive.weights[references.back()]).epsilon(1e-4));
  }
  Row uncovered(projected.size(), INFINITY);
  for (size_t r = 0; r < references.size(); ++r) {
    if (r > 0) {
      CHECK(uncovered[references[r]] >= *std::max_element(uncovered.begin(), uncovered.end()) * (1 - 1e-5));
    }
    for (size_t p = 0; p < projected.size(); ++p) {
      uncovered[p] = std::min(uncovered[p], squared_distance(projected[p], projected[references[r]]));
    }
  }
  options.coreset_ratio = 1e-9;
  CHECK(fitted(source, images, options).num_references() == 1);
  options.coreset_ratio = 1;
  CHECK(fitted(source, images, options).num_references() == static_cast<int64_t>(naive.patches.size()));
}

}  // namespace
}  // namespace assay::models
