// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/padim.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "tests/support/synthetic_features.h"

namespace assay::models {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;
using Matrix = std::vector<std::vector<double>>;

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

FitOptions with_seed(uint64_t seed) {
  FitOptions options;
  options.seed = seed;
  return options;
}

Padim fitted(const FeatureSource& source, const std::vector<int64_t>& images, const PadimOptions& options = {}) {
  Padim padim(options);
  padim.fit(source, images, with_seed(5));
  return padim;
}

std::vector<int32_t> chosen_channels(const Padim& padim) {
  std::map<std::string, Tensor> tensors;
  padim.save(&tensors);
  const Tensor& t = tensors.at("padim.channels");
  return {t.data<int32_t>(), t.data<int32_t>() + t.size()};
}

std::vector<std::vector<float>> all_scores(const Padim& padim, const FeatureSource& source) {
  std::vector<std::vector<float>> scores;
  for (int64_t i = 0; i < source.num_images(); ++i) scores.push_back(values(padim.score(source.read(i))));
  return scores;
}

std::vector<int64_t> first_images(int64_t count) {
  std::vector<int64_t> images(count);
  std::iota(images.begin(), images.end(), 0);
  return images;
}

// --- PaDiM once more, naively, in double -----------------------------------------------------------------------------

double triangle(int64_t cell, int64_t i, int64_t in, int64_t out) {
  const double at = std::clamp((i + 0.5) * in / out - 0.5, 0.0, in - 1.0);
  return std::max(0.0, 1 - std::fabs(at - cell));
}

// rows of an (H, W) grid to those of an (H2, W2) one.
Matrix resampled(const Matrix& rows, int64_t height, int64_t width, int64_t height2, int64_t width2) {
  Matrix out(height2 * width2, std::vector<double>(rows[0].size(), 0));
  for (int64_t i = 0; i < height2 * width2; ++i) {
    for (int64_t j = 0; j < height * width; ++j) {
      const double weight =
          triangle(j / width, i / width2, height, height2) * triangle(j % width, i % width2, width, width2);
      for (size_t c = 0; c < rows[0].size(); ++c) out[i][c] += weight * rows[j][c];
    }
  }
  return out;
}

Matrix chosen_rows(const FeatureGrid& grid, const std::vector<int32_t>& channels, int64_t height, int64_t width) {
  Matrix rows;
  for (int64_t cell = 0; cell < grid.height * grid.width; ++cell) {
    rows.emplace_back();
    for (const int32_t c : channels) rows.back().push_back(grid.rows.data<float>()[cell * grid.rows.dim(1) + c]);
  }
  return resampled(rows, grid.height, grid.width, height, width);
}

// r^T S^-1 r for a symmetric positive definite S, by Gauss-Jordan elimination.
double quadratic_form(Matrix s, const std::vector<double>& r) {
  std::vector<double> z = r;
  const size_t order = r.size();
  for (size_t k = 0; k < order; ++k) {
    for (size_t i = 0; i < order; ++i) {
      if (i == k) continue;
      const double share = s[i][k] / s[k][k];
      for (size_t j = k; j < order; ++j) s[i][j] -= share * s[k][j];
      z[i] -= share * z[k];
    }
  }
  double sum = 0;
  for (size_t i = 0; i < order; ++i) sum += r[i] * z[i] / s[i][i];
  return sum;
}

// Distance of `x` from the samples at one position.
double naive_distance(const std::vector<std::vector<double>>& samples, const std::vector<double>& x) {
  const size_t n = samples.size(), order = x.size();
  std::vector<double> mean(order, 0), r(order);
  for (const auto& sample : samples) {
    for (size_t c = 0; c < order; ++c) mean[c] += sample[c] / n;
  }
  Matrix covariance(order, std::vector<double>(order, 0));
  for (size_t i = 0; i < order; ++i) {
    r[i] = x[i] - mean[i];
    for (size_t j = 0; j < order; ++j) {
      for (const auto& sample : samples) covariance[i][j] += (sample[i] - mean[i]) * (sample[j] - mean[j]);
      if (n > 1) covariance[i][j] /= n - 1;
    }
    covariance[i][i] += 0.01;
  }
  return std::sqrt(quadratic_form(covariance, r));
}

void check_against_naive(const SyntheticFeatures& source, int64_t num_fitted, int64_t kept, int64_t height,
                         int64_t width) {
  CAPTURE(num_fitted);
  PadimOptions options;
  options.channels = kept;
  const Padim padim = fitted(source, first_images(num_fitted), options);
  const std::vector<int32_t> channels = chosen_channels(padim);
  REQUIRE(static_cast<int64_t>(channels.size()) == std::min(kept, source.feature_width()));
  std::vector<Matrix> fitted_rows;
  for (int64_t i = 0; i < num_fitted; ++i) fitted_rows.push_back(chosen_rows(source.read(i), channels, height, width));
  for (int64_t i = 0; i < source.num_images(); ++i) {
    const FeatureGrid grid = source.read(i);
    const Matrix x = chosen_rows(grid, channels, height, width);
    Matrix distances;
    for (int64_t p = 0; p < height * width; ++p) {
      std::vector<std::vector<double>> samples;
      for (const Matrix& rows : fitted_rows) samples.push_back(rows[p]);
      distances.push_back({naive_distance(samples, x[p])});
    }
    const Matrix want = resampled(distances, height, width, grid.height, grid.width);
    const Tensor got = padim.score(grid);
    REQUIRE(got.shape() == Shape{grid.height, grid.width});
    // Resampled features and means are float32: some 2^-22 of values up to 20, over a deviation of at least 0.1, for
    // each channel; factors are rounded to 2^-24 times a condition number below 100.
    int64_t wrong = 0;
    for (size_t cell = 0; cell < want.size(); ++cell) {
      const double tolerance = 0x1p-22 * 20 / 0.1 * kept + 0x1p-24 * 100 * want[cell][0];
      if (!(std::fabs(got.data<float>()[cell] - want[cell][0]) <= tolerance)) ++wrong;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("padim agrees with PaDiM written naively in double, on one grid and on several") {
  SyntheticOptions options;
  options.num_images = 12;
  options.feature_width = 7;
  options.grids = {{5, 4}};
  for (const int64_t kept : {1, 4, 7, 100}) check_against_naive(SyntheticFeatures(options), 9, kept, 5, 4);
  options.grids = {{5, 4}, {3, 7}, {6, 3}};  // median 5 x 4
  for (const int64_t kept : {4, 100}) check_against_naive(SyntheticFeatures(options), 9, kept, 5, 4);
}

TEST_CASE("padim agrees with naive PaDiM for one image and for fewer images than channels") {
  SyntheticOptions options;
  options.num_images = 6;
  options.feature_width = 9;
  options.grids = {{3, 4}};
  for (const int64_t num_fitted : {1, 2, 5}) check_against_naive(SyntheticFeatures(options), num_fitted, 100, 3, 4);
}

TEST_CASE("planted anomalies get the highest scores, images and cells alike") {
  for (const uint64_t seed : {1, 2, 3}) {
    SyntheticOptions options;
    options.num_images = 80;
    options.seed = seed;
    const SyntheticFeatures source(options);
    // Half of the normal images are fitted; the other half says what an unseen normal image scores.
    std::vector<int64_t> seen, unseen;
    for (const int64_t i : source.normal_images()) (seen.size() <= unseen.size() ? seen : unseen).push_back(i);
    const Padim padim = fitted(source, seen);
    const auto peak = [&](int64_t i) {
      const std::vector<float> map = values(padim.score(source.read(i)));
      return std::max_element(map.begin(), map.end()) - map.begin();
    };
    const auto highest = [&](int64_t i) { return values(padim.score(source.read(i)))[peak(i)]; };
    float highest_normal = 0;
    for (const int64_t i : unseen) highest_normal = std::max(highest_normal, highest(i));
    for (const int64_t i : source.anomalous_images()) {
      CHECK(highest(i) > highest_normal);
      CHECK(std::count(source.planted(i).begin(), source.planted(i).end(), peak(i)) == 1);
    }
  }
}

// --- determinism -----------------------------------------------------------------------------------------------------

TEST_CASE("the same images give the same bits in any order, under any number, for any number of threads") {
  SyntheticOptions options;
  options.num_images = 21;
  const SyntheticFeatures source(options);
  std::vector<int64_t> images = first_images(19);
  set_num_threads(1);
  const auto want = all_scores(fitted(source, images), source);
  for (const int threads : {5, 2, 1}) {
    set_num_threads(threads);
    std::reverse(images.begin(), images.end());
    CHECK(all_scores(fitted(source, images), source) == want);
    std::rotate(images.begin(), images.begin() + 7, images.end());
    CHECK(all_scores(fitted(source, images), source) == want);
  }
  std::vector<int64_t> order = first_images(21);
  std::reverse(order.begin(), order.end());
  std::vector<int64_t> renumbered;
  for (const int64_t i : images) renumbered.push_back(20 - i);
  CHECK(all_scores(fitted(source.reordered(order), renumbered), source) == want);
}

TEST_CASE("the seed chooses the channels, ascending and without repeats") {
  SyntheticOptions options;
  options.num_images = 2;
  options.feature_width = 150;
  const SyntheticFeatures source(options);
  std::set<std::vector<int32_t>> choices;
  for (const uint64_t seed : {1, 2, 3, 1}) {
    Padim padim;
    padim.fit(source, {0}, with_seed(seed));
    const std::vector<int32_t> channels = chosen_channels(padim);
    CHECK(channels.size() == 100);
    CHECK(std::is_sorted(channels.begin(), channels.end()));
    CHECK(std::set<int32_t>(channels.begin(), channels.end()).size() == 100);
    CHECK(channels.front() >= 0);
    CHECK(channels.back() < 150);
    choices.insert(channels);
  }
  CHECK(choices.size() == 3);
}

TEST_CASE("the reference grid is the lower median, or what the options say") {
  SyntheticOptions synthetic;
  synthetic.num_images = 4;
  synthetic.grids = {{4, 9}, {5, 8}, {6, 7}, {7, 2}};
  const SyntheticFeatures source(synthetic);
  std::map<std::string, Tensor> tensors;
  const auto grid_of = [&](const PadimOptions& options, const std::vector<int64_t>& images) {
    const nlohmann::json description = fitted(source, images, options).save(&tensors);
    return Shape{description["height"], description["width"]};
  };
  CHECK(grid_of({}, {0, 1, 2}) == Shape{5, 8});
  CHECK(grid_of({}, {0, 1, 2, 3}) == Shape{5, 7});
  PadimOptions options;
  options.grid_height = 3;
  CHECK(grid_of(options, {0, 1, 2}) == Shape{3, 8});
}

// --- order of calls, progress, errors --------------------------------------------------------------------------------

TEST_CASE("fit reports progress up to 1, and a false answer leaves the earlier fit as it was") {
  SyntheticOptions synthetic;
  synthetic.num_images = 20;
  const SyntheticFeatures source(synthetic);
  Padim padim = fitted(source, first_images(5));
  const auto before = all_scores(padim, source);
  std::vector<double> shares;
  FitOptions options;
  options.progress = [&](double share) {
    shares.push_back(share);
    return share < 0.5;
  };
  CHECK_THROWS_AS(padim.fit(source, first_images(20), options), Cancelled);
  CHECK(all_scores(padim, source) == before);
  options.progress = [&](double share) {
    shares.push_back(share);
    return true;
  };
  padim.fit(source, first_images(20), options);
  CHECK(shares.back() == 1);
  CHECK(all_scores(padim, source) != before);
}

// One image whose features are given.
class OneImage : public FeatureSource {
 public:
  explicit OneImage(FeatureGrid grid) : grid_(std::move(grid)) {}
  int64_t num_images() const override { return 1; }
  int64_t feature_width() const override { return 16; }
  FeatureGrid read(int64_t) const override { return grid_; }
  uint64_t content_key(int64_t) const override { return 1; }

 private:
  FeatureGrid grid_;
};

TEST_CASE("calls out of order, wrong grids and features that are not finite are refused by name") {
  const SyntheticFeatures source(SyntheticOptions{});
  Padim padim;
  std::map<std::string, Tensor> tensors;
  CHECK_THROWS_WITH_AS(padim.score(source.read(0)), "padim: score before fit or load", Error);
  CHECK_THROWS_WITH_AS(padim.save(&tensors), "padim: save before fit or load", Error);
  CHECK_THROWS_WITH_AS(padim.fit(source, {}, {}), "padim: no image to fit to", Error);
  CHECK_THROWS_WITH_AS(padim.fit(source, {0, 40}, {}), "padim: image 40 of a source of 40", Error);
  CHECK_THROWS_AS(padim.fit(source, {-1}, {}), Error);

  FeatureGrid grid = source.read(0);
  grid.height = 9;
  const char* message = "padim: features of a 9 x 8 grid have shape (64, 16), expected one row of 16 float32 a cell";
  CHECK_THROWS_WITH_AS(padim.fit(OneImage(grid), {0}, {}), message, Error);
  padim = fitted(source, {0, 1});
  CHECK_THROWS_WITH_AS(padim.score(grid), message, Error);

  grid = source.read(0);
  grid.rows = grid.rows.clone("test");
  grid.rows.data<float>()[16 * 3 + 2] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(padim.fit(OneImage(grid), {0}, {}), doctest::Contains("position 2 is not positive definite"),
                       Error);
  CHECK(std::isnan(padim.score(grid).data<float>()[3]));
}

TEST_CASE("options out of range are refused") {
  PadimOptions options;
  options.channels = 0;
  CHECK_THROWS_WITH_AS(Padim{options}, "padim: 0 channels, expected at least 1", Error);
  options = {};
  options.regularisation = 0;
  CHECK_THROWS_AS(Padim{options}, Error);
  options = {};
  options.grid_width = -1;
  CHECK_THROWS_AS(Padim{options}, Error);
}

}  // namespace
}  // namespace assay::models
