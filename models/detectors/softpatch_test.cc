// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/softpatch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "models/detectors/patchcore.h"
#include "tests/support/synthetic_features.h"

namespace assay::models {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

constexpr Discriminator kAll[] = {Discriminator::kLof, Discriminator::kNearest, Discriminator::kGaussian};

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

std::vector<int64_t> first_images(int64_t count) {
  std::vector<int64_t> images(count);
  std::iota(images.begin(), images.end(), 0);
  return images;
}

FitOptions with_seed(uint64_t seed) {
  FitOptions options;
  options.seed = seed;
  return options;
}

Softpatch fitted(const FeatureSource& source, const std::vector<int64_t>& images, const SoftpatchOptions& options = {},
                 uint64_t seed = 5) {
  Softpatch softpatch(options);
  softpatch.fit(source, images, with_seed(seed));
  return softpatch;
}

SyntheticFeatures small(const std::vector<std::pair<int64_t, int64_t>>& grids, int64_t num_images = 12) {
  SyntheticOptions options;
  options.num_images = num_images;
  options.feature_width = 6;
  options.grids = grids;
  return SyntheticFeatures(options);
}

// --- what it is for --------------------------------------------------------------------------------------------------

// Images of a source, into some of which one kind of defect is put, 2 x 2 cells large: the same shift in each, at
// another place, with a little noise of the image's own.
class WithDefect : public FeatureSource {
 public:
  WithDefect(const FeatureSource& source, std::vector<int64_t> images) : source_(source), images_(std::move(images)) {}
  int64_t num_images() const override { return source_.num_images(); }
  int64_t feature_width() const override { return source_.feature_width(); }
  uint64_t content_key(int64_t image) const override { return source_.content_key(image); }
  bool has(int64_t image) const { return std::count(images_.begin(), images_.end(), image) > 0; }
  std::vector<int64_t> cells(int64_t image) const {
    const FeatureGrid grid = source_.read(image);
    const int64_t first = (image * 5) % (grid.height - 1) * grid.width + (image * 3) % (grid.width - 1);
    return {first, first + 1, first + grid.width, first + grid.width + 1};
  }
  FeatureGrid read(int64_t image) const override {
    FeatureGrid grid = source_.read(image);
    if (!has(image)) return grid;
    grid.rows = grid.rows.clone("test");
    std::mt19937 engine(static_cast<uint32_t>(image));
    for (const int64_t cell : cells(image)) {
      for (int64_t c = 0; c < feature_width(); ++c) {
        grid.rows.data<float>()[cell * feature_width() + c] += (c % 2 ? 4.0f : -4.0f) + 0.01f * (engine() % 100);
      }
    }
    return grid;
  }

 private:
  const FeatureSource& source_;
  const std::vector<int64_t> images_;
};

// The share of an image's defect whose cells are above all cells of the normal images.
double found_share(const Detector& detector, const WithDefect& source, const std::vector<int64_t>& normal,
                   const std::vector<int64_t>& defective) {
  float highest = 0;
  for (const int64_t i : normal) {
    const std::vector<float> map = values(detector.score(source.read(i)));
    highest = std::max(highest, *std::max_element(map.begin(), map.end()));
  }
  double found = 0;
  for (const int64_t i : defective) {
    const std::vector<float> map = values(detector.score(source.read(i)));
    for (const int64_t cell : source.cells(i)) found += map[cell] > highest;
  }
  return found / static_cast<double>(4 * defective.size());
}

TEST_CASE("a defect that some training images show is found, where a greedy bank has learnt it") {
  SyntheticOptions synthetic;
  synthetic.num_images = 60;
  synthetic.anomalous_share = 0;
  const SyntheticFeatures plain(synthetic);
  const WithDefect source(plain, {3, 11, 18, 26, 33, 50, 53, 56, 59});
  const std::vector<int64_t> normal = {44, 45, 46, 47, 48, 49}, defective = {50, 53, 56, 59};
  const std::vector<int64_t> training = first_images(40);  // five of them show it
  PatchcoreOptions greedy;
  greedy.selector = PatchcoreOptions::Selector::kGreedy;
  Patchcore patchcore(greedy);
  patchcore.fit(source, training, with_seed(5));
  CHECK(found_share(patchcore, source, normal, defective) < 0.2);
  for (const Discriminator discriminator : kAll) {
    CAPTURE(std::string(discriminator_name(discriminator)));
    SoftpatchOptions options;
    options.discriminator = discriminator;
    CHECK(found_share(fitted(source, training, options), source, normal, defective) == 1);
    options.noise_share = 0;  // weights alone do not save it
    CHECK(found_share(fitted(source, training, options), source, normal, defective) < 1);
  }
}

TEST_CASE("planted anomalies that were in the training set are above every normal cell, on grids of different sizes") {
  for (const uint64_t seed : {1, 2, 3}) {
    SyntheticOptions synthetic;
    synthetic.seed = seed;
    const SyntheticFeatures source(synthetic);
    const std::vector<int64_t> images = first_images(source.num_images());
    PatchcoreOptions greedy;
    greedy.selector = PatchcoreOptions::Selector::kGreedy;
    Patchcore patchcore(greedy);
    patchcore.fit(source, images, with_seed(5));
    const auto peaks_planted = [&](const Detector& detector) {
      int64_t count = 0;
      for (const int64_t i : source.anomalous_images()) {
        const std::vector<float> map = values(detector.score(source.read(i)));
        const int64_t peak = std::max_element(map.begin(), map.end()) - map.begin();
        count += std::count(source.planted(i).begin(), source.planted(i).end(), peak);
      }
      return count;
    };
    const int64_t all = static_cast<int64_t>(source.anomalous_images().size());
    CHECK(all == 8);
    CHECK(peaks_planted(patchcore) <= all / 2);
    for (const Discriminator discriminator : kAll) {
      SoftpatchOptions options;
      options.discriminator = discriminator;
      CHECK(peaks_planted(fitted(source, images, options)) == all);
    }
  }
}

// --- what every detector has to keep to ------------------------------------------------------------------------------

std::vector<std::vector<float>> all_scores(const Softpatch& softpatch, const FeatureSource& source) {
  std::vector<std::vector<float>> scores;
  for (int64_t i = 0; i < source.num_images(); ++i) scores.push_back(values(softpatch.score(source.read(i))));
  return scores;
}

TEST_CASE("the same images give the same bits in any order, under any number, for any number of threads") {
  const SyntheticFeatures source(SyntheticOptions{});
  const int threads_before = num_threads();
  for (const Discriminator discriminator : kAll) {
    CAPTURE(std::string(discriminator_name(discriminator)));
    SoftpatchOptions options;
    options.discriminator = discriminator;
    std::vector<int64_t> images = first_images(21);
    const auto want = all_scores(fitted(source, images, options), source);
    for (const int threads : {1, 5}) {
      set_num_threads(threads);
      std::shuffle(images.begin(), images.end(), std::mt19937(threads));
      CHECK(all_scores(fitted(source, images, options), source) == want);
    }
    set_num_threads(threads_before);
    std::vector<int64_t> order = first_images(40), renumbered;
    std::reverse(order.begin(), order.end());
    for (const int64_t i : images) renumbered.push_back(39 - i);
    CHECK(all_scores(fitted(source.reordered(order), renumbered, options), source) == want);
    CHECK(all_scores(fitted(source, images, options, 6), source) != want);
  }
}

TEST_CASE("one image is enough, and none of it is noise") {
  const SyntheticFeatures source = small({{5, 4}});
  for (const Discriminator discriminator : kAll) {
    SoftpatchOptions options;
    options.discriminator = discriminator;
    options.coreset_ratio = 1;
    const Softpatch one = fitted(source, {2}, options);
    CHECK(one.num_references() == 20);
    for (const float v : values(one.score(source.read(2)))) CHECK(v <= 1e-4f);
    // Nothing to compare with: all weights are 1.
    std::map<std::string, Tensor> tensors;
    one.save(&tensors);
    CHECK(values(tensors.at("softpatch.weight")) == std::vector<float>(20, 1));
  }
}

TEST_CASE("fit reports progress, and a false answer leaves the earlier fit as it was") {
  const SyntheticFeatures source(SyntheticOptions{});
  for (const Discriminator discriminator : kAll) {
    SoftpatchOptions options;
    options.discriminator = discriminator;
    Softpatch softpatch = fitted(source, first_images(5), options);
    const auto before = all_scores(softpatch, source);
    for (const double stop_at : {0.0, 0.2}) {
      FitOptions interrupted;
      double last = 0;
      interrupted.progress = [&](double share) {
        CHECK(share > last);
        last = share;
        return share < stop_at;
      };
      CHECK_THROWS_AS(softpatch.fit(source, first_images(20), interrupted), Cancelled);
      CHECK(all_scores(softpatch, source) == before);
    }
  }
}

TEST_CASE("calls out of order, wrong grids, features that are not finite and options out of range are refused") {
  const SyntheticFeatures source(SyntheticOptions{});
  Softpatch softpatch;
  std::map<std::string, Tensor> tensors;
  CHECK_THROWS_WITH_AS(softpatch.score(source.read(0)), "softpatch: score before fit", Error);
  CHECK_THROWS_WITH_AS(softpatch.save(&tensors), "softpatch: save before fit", Error);
  CHECK_THROWS_WITH_AS(softpatch.fit(source, {}, {}), "softpatch: fit to no images", Error);
  softpatch = fitted(source, {0, 1});
  FeatureGrid grid = source.read(0);
  grid.rows = Tensor::zeros<float>({64, 3}, "test");
  CHECK_THROWS_AS(softpatch.score(grid), Error);
  grid = source.read(0);
  grid.rows = grid.rows.clone("test");
  grid.rows.data<float>()[16 * 3 + 2] = NAN;
  const std::vector<float> map = values(softpatch.score(grid));
  CHECK(std::isnan(map[3]));
  CHECK(std::isfinite(map[4]));

  const auto refuses = [](auto change) {
    SoftpatchOptions options;
    change(&options);
    CHECK_THROWS_AS(Softpatch{options}, Error);
  };
  refuses([](SoftpatchOptions* o) { o->neighbours = 0; });
  refuses([](SoftpatchOptions* o) { o->neighbours = 64; });
  refuses([](SoftpatchOptions* o) { o->noise_share = 1; });
  refuses([](SoftpatchOptions* o) { o->noise_share = -0.1; });
  refuses([](SoftpatchOptions* o) { o->noise_share = NAN; });
  refuses([](SoftpatchOptions* o) { o->coreset_ratio = 0; });
  refuses([](SoftpatchOptions* o) { o->coreset_ratio = 1.5; });
}

}  // namespace
}  // namespace assay::models
