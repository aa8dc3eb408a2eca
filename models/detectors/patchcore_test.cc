// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/patchcore.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <string>

#include "kernels/base/parallel.h"
#include "tests/support/synthetic_features.h"

namespace assay::models {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

const SyntheticFeatures& source() {
  static const SyntheticFeatures features([] {
    SyntheticOptions options;
    options.num_images = 24;
    return options;
  }());
  return features;
}

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

PatchcoreOptions random_options() {
  PatchcoreOptions options;
  options.space.width = 1000;
  return options;
}

PatchcoreOptions greedy_options(double ratio) {
  PatchcoreOptions options = random_options();
  options.selector = PatchcoreOptions::Selector::kGreedy;
  options.coreset_ratio = ratio;
  return options;
}

PatchcoreOptions farthest_options(double share) {
  PatchcoreOptions options = random_options();
  options.selector = PatchcoreOptions::Selector::kFarthest;
  options.space.reference_share = share;
  return options;
}

FitOptions with_seed(uint64_t seed) {
  FitOptions options;
  options.seed = seed;
  return options;
}

struct Saved {
  nlohmann::json description;
  std::map<std::string, Tensor> tensors;
};

Saved saved(const Patchcore& patchcore) {
  Saved s;
  s.description = patchcore.save(&s.tensors);
  for (auto& [name, tensor] : s.tensors) tensor = tensor.clone("test");
  return s;
}

bool same_bits(const Patchcore& a, const Patchcore& b) {
  const Saved x = saved(a), y = saved(b);
  if (x.description != y.description || x.tensors.size() != y.tensors.size()) return false;
  return std::all_of(x.tensors.begin(), x.tensors.end(), [&](const auto& entry) {
    return y.tensors.count(entry.first) == 1 && y.tensors.at(entry.first).shape() == entry.second.shape() &&
           values(y.tensors.at(entry.first)) == values(entry.second);
  });
}

std::vector<int64_t> first_images(int64_t count) {
  std::vector<int64_t> images(count);
  std::iota(images.begin(), images.end(), 0);
  return images;
}

Patchcore fitted(const PatchcoreOptions& options, const std::vector<int64_t>& images, uint64_t seed = 5) {
  Patchcore patchcore(options);
  patchcore.fit(source(), images, with_seed(seed));
  return patchcore;
}

double least_squared_distance(const float* query, const std::vector<std::vector<float>>& rows) {
  double least = INFINITY;
  for (const std::vector<float>& row : rows) {
    double sum = 0;
    for (size_t d = 0; d < row.size(); ++d) sum += (double{query[d]} - row[d]) * (double{query[d]} - row[d]);
    least = std::min(least, sum);
  }
  return least;
}

std::vector<float> row_of(const FeatureGrid& grid, int64_t cell) {
  const float* x = grid.rows.data<float>() + cell * grid.rows.dim(1);
  return {x, x + grid.rows.dim(1)};
}

TEST_CASE("a patch's value is its squared distance to the nearest reference") {
  const std::vector<int64_t> images = first_images(12);
  const Patchcore patchcore = fitted(random_options(), images);
  const BankSpace space = BankSpace::fit(source(), images, random_options().space, 5);
  std::vector<std::vector<float>> references;  // as features: without whitening, the space only rotates them
  for (const int64_t image : images) {
    const FeatureGrid grid = source().read(image);
    for (const int64_t cell : space.reference_cells(grid.rows.dim(0), source().content_key(image))) {
      references.push_back(row_of(grid, cell));
    }
  }
  CHECK(patchcore.num_references() == static_cast<int64_t>(references.size()));
  for (const int64_t image : {0, 13, 20}) {
    const FeatureGrid grid = source().read(image);
    const Tensor map = patchcore.score(grid);
    REQUIRE(map.shape() == Shape{grid.height, grid.width});
    for (int64_t cell = 0; cell < map.size(); ++cell) {
      const double expected = least_squared_distance(row_of(grid, cell).data(), references);
      CHECK(std::abs(map.data<float>()[cell] - expected) <= 1e-5 * (1 + expected));
    }
  }
}

TEST_CASE("planted anomalies lie higher than every normal cell") {
  const Patchcore patchcore = fitted(random_options(), source().normal_images());
  for (const int64_t image : source().anomalous_images()) {
    const Tensor map = patchcore.score(source().read(image));
    const std::vector<int64_t>& planted = source().planted(image);
    float lowest_planted = INFINITY, highest_normal = 0;
    for (int64_t cell = 0; cell < map.size(); ++cell) {
      const float v = map.data<float>()[cell];
      if (std::count(planted.begin(), planted.end(), cell)) {
        lowest_planted = std::min(lowest_planted, v);
      } else {
        highest_normal = std::max(highest_normal, v);
      }
    }
    CHECK(lowest_planted > highest_normal);
  }
}

TEST_CASE("the greedy selector covers all patches with the share asked for, better than chance does") {
  const std::vector<int64_t> images = first_images(8);
  int64_t num_cells = 0;
  for (const int64_t image : images) num_cells += source().read(image).rows.dim(0);
  const Patchcore greedy = fitted(greedy_options(0.1), images);
  CHECK(greedy.num_references() == std::llround(0.1 * static_cast<double>(num_cells)));
  PatchcoreOptions random = random_options();
  random.space.reference_share = 0.1;
  const auto radius = [&](const Patchcore& patchcore) {
    float largest = 0;
    for (const int64_t image : images) {
      for (const float v : values(patchcore.score(source().read(image)))) largest = std::max(largest, v);
    }
    return largest;
  };
  CHECK(radius(greedy) < radius(fitted(random, images)));
  CHECK(radius(fitted(greedy_options(0.3), images)) < radius(greedy));
  CHECK(radius(fitted(greedy_options(1), images)) <= 1e-5f);
  CHECK(fitted(greedy_options(1e-9), images).num_references() == 1);
}

TEST_CASE("the farthest selector takes the same share of each image, and covers images by themselves better") {
  const std::vector<int64_t> images = first_images(8);
  PatchcoreOptions random = random_options();
  random.space.reference_share = 0.3;
  double radius = 0, by_chance = 0;
  for (const int64_t image : images) {
    const Patchcore farthest = fitted(farthest_options(0.3), {image}), chance = fitted(random, {image});
    CHECK(farthest.num_references() == chance.num_references());
    const std::vector<float> covered = values(farthest.score(source().read(image)));
    CHECK(std::count(covered.begin(), covered.end(), 0.0f) == farthest.num_references());
    const std::vector<float> uncovered = values(chance.score(source().read(image)));
    radius += *std::max_element(covered.begin(), covered.end());
    by_chance += *std::max_element(uncovered.begin(), uncovered.end());
  }
  CHECK(radius < 0.9 * by_chance);
  // A bank is the union of what each image gives, however many are fitted.
  const Patchcore all = fitted(farthest_options(0.1), images);
  int64_t sum = 0;
  for (const int64_t image : images) sum += fitted(farthest_options(0.1), {image}).num_references();
  CHECK(all.num_references() == sum);
  CHECK(fitted(farthest_options(1), images).num_references() == fitted(greedy_options(1), images).num_references());
}

TEST_CASE("selectors have names") {
  for (const char* name : {"random", "farthest", "greedy"}) {
    CHECK(std::string(selector_name(selector_from_name(name).value())) == name);
  }
  CHECK(selector_from_name("").message() == "selector '': expected random, farthest or greedy");
}

TEST_CASE("neither the order of the images nor the number of threads changes a bit") {
  const int threads = num_threads();
  for (const PatchcoreOptions& options : {random_options(), farthest_options(0.2), greedy_options(0.2)}) {
    const std::vector<int64_t> images = first_images(10);
    const Patchcore patchcore = fitted(options, images);
    std::vector<int64_t> shuffled = images;
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(3));
    CHECK(same_bits(fitted(options, shuffled), patchcore));
    Patchcore renumbered(options);
    renumbered.fit(source().reordered(shuffled), images, with_seed(5));
    CHECK(same_bits(renumbered, patchcore));
    for (const int n : {1, 4}) {
      set_num_threads(n);
      CHECK(same_bits(fitted(options, images), patchcore));
    }
    set_num_threads(threads);
    CHECK_FALSE(same_bits(fitted(options, images, 6), patchcore));
  }
}

// Marks every third cell of some images, and all of one.
ExcludedCells some_excluded() {
  ExcludedCells excluded;
  for (const int64_t image : {1, 4}) {
    std::vector<uint8_t> marks(source().read(image).rows.dim(0), 0);
    for (size_t cell = 0; cell < marks.size(); cell += 3) marks[cell] = 1;
    excluded[image] = marks;
  }
  excluded[6] = std::vector<uint8_t>(source().read(6).rows.dim(0), 1);
  return excluded;
}

// The source with other values in the excluded cells, under the same content keys.
class Overwritten : public FeatureSource {
 public:
  int64_t num_images() const override { return source().num_images(); }
  int64_t feature_width() const override { return source().feature_width(); }
  uint64_t content_key(int64_t image) const override { return source().content_key(image); }
  FeatureGrid read(int64_t image) const override {
    FeatureGrid grid = source().read(image);
    const ExcludedCells excluded = some_excluded();
    const auto marks = excluded.find(image);
    if (marks == excluded.end()) return grid;
    grid.rows = grid.rows.clone("test");
    for (int64_t i = 0; i < grid.rows.size(); ++i) {
      if (marks->second[i / feature_width()]) grid.rows.data<float>()[i] = 1000;
    }
    return grid;
  }
};

TEST_CASE("excluded cells leave no trace in the model") {
  for (const PatchcoreOptions& options : {random_options(), farthest_options(0.5), greedy_options(0.5)}) {
    const std::vector<int64_t> images = first_images(10);
    Patchcore patchcore(options), overwritten(options), without(options);
    patchcore.fit_without(source(), images, some_excluded(), with_seed(5));
    overwritten.fit_without(Overwritten(), images, some_excluded(), with_seed(5));
    CHECK(same_bits(overwritten, patchcore));
    CHECK(patchcore.num_references() < fitted(options, images).num_references());
    // An image of which nothing is left is as good as absent.
    ExcludedCells excluded = some_excluded();
    excluded.erase(6);
    without.fit_without(source(), {0, 1, 2, 3, 4, 5, 7, 8, 9}, excluded, with_seed(5));
    CHECK(same_bits(without, patchcore));
  }
}

TEST_CASE("marks of images that are not fitted, and marks that exclude nothing, change nothing") {
  const std::vector<int64_t> images = first_images(4);
  ExcludedCells excluded;
  excluded[2] = std::vector<uint8_t>(source().read(2).rows.dim(0), 0);
  excluded[9] = std::vector<uint8_t>(source().read(9).rows.dim(0), 1);
  Patchcore patchcore(random_options());
  patchcore.fit_without(source(), images, excluded, with_seed(5));
  CHECK(same_bits(patchcore, fitted(random_options(), images)));
}

TEST_CASE("calls that cannot be answered are the caller's fault") {
  Patchcore patchcore(random_options());
  CHECK_THROWS_WITH_AS(patchcore.score(source().read(0)), "patchcore: score before fit", Error);
  std::map<std::string, Tensor> tensors;
  CHECK_THROWS_WITH_AS(patchcore.save(&tensors), "patchcore: save before fit", Error);
  CHECK_THROWS_AS(patchcore.fit(source(), {}, {}), Error);
  CHECK_THROWS_WITH_AS(patchcore.fit_without(source(), {6}, some_excluded(), {}),
                       "BankSpace::fit: no cell is left to fit to", Error);
  CHECK_THROWS_AS(patchcore.fit_without(source(), {0}, {{0, {1, 0}}}, {}), Error);
  patchcore.fit(source(), {0, 1}, {});
  FeatureGrid grid = source().read(0);
  grid.rows = Tensor::zeros<float>({64, 3}, "test");
  CHECK_THROWS_AS(patchcore.score(grid), Error);
}

TEST_CASE("an earlier fit survives a failed or interrupted one") {
  Patchcore patchcore = fitted(random_options(), first_images(6));
  const Patchcore before = patchcore;
  FitOptions interrupted = with_seed(9);
  interrupted.progress = [](double) { return false; };
  CHECK_THROWS_AS(patchcore.fit(source(), {7, 8, 9}, interrupted), Cancelled);
  CHECK(same_bits(patchcore, before));
  CHECK(values(patchcore.score(source().read(11))) == values(before.score(source().read(11))));
}

TEST_CASE("a loaded model scores bit for bit as the saved one, and saves as it") {
  const Patchcore patchcore = fitted(random_options(), first_images(6));
  const Saved s = saved(patchcore);
  Patchcore loaded{PatchcoreOptions()};
  REQUIRE(loaded.load(nlohmann::json::parse(s.description.dump()), s.tensors).ok());
  CHECK(same_bits(loaded, patchcore));
  CHECK(values(loaded.score(source().read(11))) == values(patchcore.score(source().read(11))));
}

TEST_CASE("damaged models are refused and change nothing") {
  const Patchcore before = fitted(random_options(), first_images(6));
  const Saved good = saved(before);
  Patchcore patchcore = before;
  const auto refused = [&](const Saved& s) {
    const bool answer = !patchcore.load(s.description, s.tensors).ok();
    return answer && same_bits(patchcore, before);
  };
  for (const auto& [name, whole] : good.tensors) {
    CAPTURE(name);
    Saved s = good;
    s.tensors.erase(name);
    CHECK(refused(s));
    for (const Tensor& wrong : {Tensor(), Tensor::zeros<int32_t>(whole.shape(), "test"),
                                whole.reshape({1, whole.size()}), whole.reshape({1, 1, whole.size()})}) {
      s.tensors[name] = wrong;
      CHECK(refused(s));
    }
    s.tensors[name] = whole.clone("test");
    s.tensors[name].data<float>()[whole.size() / 2] = std::numeric_limits<float>::quiet_NaN();
    CHECK(refused(s));
  }
  Saved empty = good;
  empty.tensors["patchcore.bank"] = Tensor::zeros<float>({0, 16}, "test");
  CHECK(refused(empty));
  for (const std::string wrong : {"null", "3", "[]", "{}", "\"space\"", R"({"space": 1})", R"({"space": {}})"}) {
    CAPTURE(wrong);
    Saved s = good;
    s.description = nlohmann::json::parse(wrong);
    CHECK(refused(s));
  }
}

TEST_CASE("random damage never crashes: a model is refused, or loads and scores") {
  const char* seed_text = std::getenv("ASSAY_SEED");
  const uint32_t seed = seed_text ? static_cast<uint32_t>(std::strtoul(seed_text, nullptr, 10)) : 1;
  CAPTURE(seed);
  std::mt19937 engine(seed);
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(engine() % n); };
  const Saved good = saved(fitted(random_options(), first_images(2)));
  int64_t refusals = 0;
  for (int round = 0; round < 1000; ++round) {
    Saved s = good;
    Tensor& tensor = std::next(s.tensors.begin(), below(s.tensors.size()))->second;
    tensor = tensor.clone("test");
    switch (below(3)) {
      case 0:
        for (int64_t i = below(4); i >= 0; --i) tensor.raw()[below(tensor.bytes())] = std::byte(below(256));
        break;
      case 1:
        tensor = Tensor::zeros<float>({below(20), below(20)}, "test");
        break;
      default: {
        std::string text = s.description.dump();
        text[below(text.size())] = static_cast<char>(below(96) + 32);
        s.description = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
      }
    }
    Patchcore patchcore{PatchcoreOptions()};
    if (!patchcore.load(s.description, s.tensors).ok()) {
      ++refusals;
      continue;
    }
    FeatureGrid grid = source().read(0);
    grid.rows = Tensor::zeros<float>({grid.height * grid.width, s.tensors.at("space.matrix").dim(1)}, "test");
    CHECK(patchcore.score(grid).shape() == Shape{grid.height, grid.width});
  }
  CHECK(refusals > 200);
  CHECK(refusals < 1000);
}

}  // namespace
}  // namespace assay::models
