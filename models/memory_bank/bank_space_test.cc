// SPDX-License-Identifier: Apache-2.0
#include "models/memory_bank/bank_space.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "engine/ops/gather.h"
#include "kernels/base/parallel.h"
#include "tests/support/synthetic_features.h"

namespace assay::models {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

const SyntheticFeatures& source() {
  static const SyntheticFeatures features{SyntheticOptions{}};
  return features;
}

std::vector<int64_t> all_images(const FeatureSource& features) {
  std::vector<int64_t> images(features.num_images());
  std::iota(images.begin(), images.end(), 0);
  return images;
}

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

BankSpaceOptions options_of(int64_t width, double whiten, double shrinkage) {
  BankSpaceOptions options;
  options.width = width;
  options.whiten = whiten;
  options.shrinkage = shrinkage;
  return options;
}

struct Saved {
  nlohmann::json description;
  std::map<std::string, Tensor> tensors;
};

Saved saved(const BankSpace& space) {
  Saved s;
  s.description = space.save(&s.tensors);
  for (auto& [name, tensor] : s.tensors) tensor = tensor.clone("test");
  return s;
}

bool same_bits(const BankSpace& a, const BankSpace& b) {
  const Saved x = saved(a), y = saved(b);
  return x.description == y.description &&
         values(x.tensors.at("space.matrix")) == values(y.tensors.at("space.matrix")) &&
         values(x.tensors.at("space.offset")) == values(y.tensors.at("space.offset"));
}

double squared_distance(const float* a, const float* b, int64_t width) {
  double sum = 0;
  for (int64_t d = 0; d < width; ++d) sum += (double{a[d]} - b[d]) * (double{a[d]} - b[d]);
  return sum;
}

// The same features, but that the marked cells hold something else under the same content key.
class Overwritten : public FeatureSource {
 public:
  Overwritten(const FeatureSource& features, const ExcludedCells& cells) : features_(features), cells_(cells) {}
  int64_t num_images() const override { return features_.num_images(); }
  int64_t feature_width() const override { return features_.feature_width(); }
  uint64_t content_key(int64_t image) const override { return features_.content_key(image); }
  FeatureGrid read(int64_t image) const override {
    FeatureGrid grid = features_.read(image);
    const auto marks = cells_.find(image);
    if (marks == cells_.end()) return grid;
    grid.rows = grid.rows.clone("test");
    for (int64_t p = 0; p < grid.rows.dim(0); ++p) {
      float* row = grid.rows.data<float>() + p * feature_width();
      if (marks->second[p]) std::fill(row, row + feature_width(), 1000.0f + static_cast<float>(p));
    }
    return grid;
  }

 private:
  const FeatureSource& features_;
  const ExcludedCells& cells_;
};

TEST_CASE("neither the order of the images nor the number of threads changes a bit") {
  const BankSpace space = BankSpace::fit(source(), all_images(source()), options_of(10, 0.7, 0.01), 3);
  std::vector<int64_t> order(source().num_images());
  for (int64_t i = 0; i < source().num_images(); ++i) order[i] = (i * 7 + 3) % source().num_images();
  CHECK(same_bits(BankSpace::fit(source(), order, options_of(10, 0.7, 0.01), 3), space));
  CHECK(
      same_bits(BankSpace::fit(source().reordered(order), all_images(source()), options_of(10, 0.7, 0.01), 3), space));
  const int threads = num_threads();
  for (const int n : {1, 2, 5}) {
    set_num_threads(n);
    CHECK(same_bits(BankSpace::fit(source(), all_images(source()), options_of(10, 0.7, 0.01), 3), space));
  }
  set_num_threads(threads);
}

TEST_CASE("without whitening and with all components, distances are those of the features") {
  const int64_t dim = source().feature_width();
  const BankSpace space = BankSpace::fit(source(), all_images(source()), options_of(dim + 100, 0, 0.01), 3);
  CHECK(space.width() == dim);
  CHECK(space.input_width() == dim);
  const FeatureGrid a = source().read(0), b = source().read(1);
  const Tensor ya = space.project(a), yb = space.project(b);
  CHECK(ya.shape() == a.rows.shape());
  for (int64_t p = 0; p < a.rows.dim(0); ++p) {
    const int64_t q = (p * 31) % b.rows.dim(0);
    const double expected = squared_distance(a.rows.data<float>() + p * dim, b.rows.data<float>() + q * dim, dim);
    const double found = squared_distance(ya.data<float>() + p * dim, yb.data<float>() + q * dim, dim);
    // A coordinate is a float sum of D products of numbers below 10: an error of about sqrt(D) 10 eps.
    CHECK(std::abs(found - expected) <= 1e-5 * (1 + expected));
  }
}

TEST_CASE("fully whitened patches have mean zero and unit covariance in the kept components") {
  const int64_t width = 9;
  const BankSpace space = BankSpace::fit(source(), all_images(source()), options_of(width, 1, 0), 3);
  std::vector<double> mean(width, 0.0), covariance(width * width, 0.0);
  int64_t count = 0;
  for (int64_t i = 0; i < source().num_images(); ++i) {
    const Tensor y = space.project(source().read(i));
    REQUIRE(y.dim(1) == width);
    count += y.dim(0);
    for (int64_t p = 0; p < y.dim(0); ++p) {
      const float* row = y.data<float>() + p * width;
      for (int64_t r = 0; r < width; ++r) {
        mean[r] += row[r];
        for (int64_t s = 0; s < width; ++s) covariance[r * width + s] += double{row[r]} * row[s];
      }
    }
  }
  for (int64_t r = 0; r < width; ++r) {
    CHECK(std::abs(mean[r] / count) < 1e-4);
    for (int64_t s = 0; s < width; ++s) {
      CHECK(std::abs(covariance[r * width + s] / count - (r == s ? 1 : 0)) < 1e-3);
    }
  }
}

TEST_CASE("a narrower space is the first rows of a wider one") {
  const Saved wide = saved(BankSpace::fit(source(), all_images(source()), options_of(12, 0.5, 0.01), 3));
  const Saved narrow = saved(BankSpace::fit(source(), all_images(source()), options_of(5, 0.5, 0.01), 3));
  const std::vector<float> rows = values(narrow.tensors.at("space.matrix"));
  REQUIRE(narrow.tensors.at("space.matrix").shape() == Shape{5, source().feature_width()});
  CHECK(std::equal(rows.begin(), rows.end(), wide.tensors.at("space.matrix").data<float>()));
}

TEST_CASE("identical patches everywhere give finite coordinates") {
  SyntheticOptions constant;
  constant.num_images = 3;
  const SyntheticFeatures few(constant);
  for (int64_t i = 0; i < 3; ++i) {
    const Tensor rows = few.read(i).rows;
    std::fill(rows.data<float>(), rows.data<float>() + rows.size(), 2.5f);
  }
  const BankSpace space = BankSpace::fit(few, {0, 1, 2}, options_of(4, 1, 0.01), 0);
  for (const float v : values(space.project(few.read(0)))) CHECK(std::isfinite(v));
}

TEST_CASE("reference cells depend on the content key and the seed alone") {
  BankSpaceOptions options;
  options.reference_share = 0.25;
  const BankSpace one = BankSpace::fit(source(), {0, 1, 2}, options, 7);
  const BankSpace other = BankSpace::fit(source(), {4, 5}, options, 7);
  const BankSpace reseeded = BankSpace::fit(source(), {0, 1, 2}, options, 8);
  for (const int64_t cells : {1, 2, 3, 64, 977}) {
    const std::vector<int64_t> chosen = one.reference_cells(cells, 99);
    CHECK(static_cast<int64_t>(chosen.size()) == std::max<int64_t>(1, std::llround(0.25 * cells)));
    CHECK(std::is_sorted(chosen.begin(), chosen.end()));
    CHECK(std::adjacent_find(chosen.begin(), chosen.end()) == chosen.end());
    CHECK(chosen.front() >= 0);
    CHECK(chosen.back() < cells);
    CHECK(other.reference_cells(cells, 99) == chosen);
  }
  CHECK(one.reference_cells(977, 100) != one.reference_cells(977, 99));
  CHECK(reseeded.reference_cells(977, 99) != one.reference_cells(977, 99));
}

TEST_CASE("the references of an image are its projected reference cells") {
  const BankSpace space = BankSpace::fit(source(), {0, 1, 2}, {}, 7);
  const FeatureGrid grid = source().read(2);
  const std::vector<int64_t> cells = space.reference_cells(grid.rows.dim(0), source().content_key(2));
  CHECK(values(space.take_references(grid, source().content_key(2))) ==
        values(ops::gather_rows(space.project(grid), cells)));
}

TEST_CASE("excluded cells leave no trace in the space") {
  ExcludedCells excluded;
  for (const int64_t image : {0, 5, 6}) {
    std::vector<uint8_t> marks(source().read(image).rows.dim(0), 0);
    for (size_t p = image; p < marks.size(); p += 3) marks[p] = 1;
    excluded[image] = marks;
  }
  excluded[7] = std::vector<uint8_t>(source().read(7).rows.dim(0), 1);
  excluded[source().num_images() + 5] = {1, 1, 1};  // not among the fitted images
  const std::vector<int64_t> images = {0, 1, 5, 6, 7, 8, 9, 10, 11, 12};
  const BankSpace space = BankSpace::fit(source(), images, {}, 7, excluded);
  CHECK(same_bits(BankSpace::fit(Overwritten(source(), excluded), images, {}, 7, excluded), space));
  CHECK_FALSE(same_bits(BankSpace::fit(source(), images, {}, 7), space));
  CHECK_THROWS_WITH_AS(BankSpace::fit(source(), {7}, {}, 7, excluded), "BankSpace::fit: no cell is left to fit to",
                       Error);
  excluded[5].pop_back();
  CHECK_THROWS_AS(BankSpace::fit(source(), images, {}, 7, excluded), Error);
}

TEST_CASE("a saved space comes back bit for bit") {
  const BankSpace space = BankSpace::fit(source(), {0, 1, 2}, options_of(6, 0.5, 0.01), ~uint64_t{0});
  const Saved s = saved(space);
  const Result<BankSpace> loaded = BankSpace::load(nlohmann::json::parse(s.description.dump()), s.tensors);
  REQUIRE(loaded.ok());
  CHECK(same_bits(loaded.value(), space));
  CHECK(values(loaded.value().project(source().read(4))) == values(space.project(source().read(4))));
  CHECK(loaded.value().reference_cells(500, 5) == space.reference_cells(500, 5));
}

TEST_CASE("damaged spaces are refused") {
  const Saved good = saved(BankSpace::fit(source(), {0, 1, 2}, options_of(6, 0.5, 0.01), 1));
  const auto refused = [](const Saved& s) { return !BankSpace::load(s.description, s.tensors).ok(); };
  for (const std::string name : {"space.matrix", "space.offset"}) {
    CAPTURE(name);
    Saved s = good;
    s.tensors.erase(name);
    CHECK(refused(s));
    const Tensor whole = good.tensors.at(name);
    for (const Tensor& wrong : {Tensor(), Tensor::zeros<int32_t>(whole.shape(), "test"), whole.reshape({whole.size()}),
                                whole.reshape({1, 1, whole.size()}), whole.rows(0, 5), whole.rows(0, 0)}) {
      if (wrong.shape() == whole.shape() && wrong.dtype() == whole.dtype()) continue;  // a vector, flattened
      s.tensors[name] = wrong;
      CHECK(refused(s));
    }
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      s.tensors[name] = whole.clone("test");
      s.tensors[name].data<float>()[whole.size() - 1] = value;
      CHECK(refused(s));
    }
  }
  Saved empty = good;
  empty.tensors["space.matrix"] = Tensor::zeros<float>({0, 16}, "test");
  empty.tensors["space.offset"] = Tensor::zeros<float>({0}, "test");
  CHECK(refused(empty));
  for (const std::string field : {"reference_share", "seed"}) {
    CAPTURE(field);
    Saved s = good;
    s.description.erase(field);
    CHECK(refused(s));
    for (const std::string wrong : {"null", "true", "\"1\"", "[]", "{}", "-0.5", "-1", "1e300"}) {
      CAPTURE(wrong);
      s.description[field] = nlohmann::json::parse(wrong);
      CHECK(refused(s));
    }
  }
  Saved share = good;
  share.description["reference_share"] = 1.5;
  CHECK(refused(share));
  share.description["reference_share"] = std::nan("");
  CHECK(refused(share));
  for (const char* wrong : {"null", "3", "[]", "\"seed\""}) {
    Saved s = good;
    s.description = nlohmann::json::parse(wrong);
    CHECK(refused(s));
  }
}

TEST_CASE("features of another width are the caller's fault") {
  const BankSpace space = BankSpace::fit(source(), {0, 1, 2}, {}, 7);
  FeatureGrid grid = source().read(0);
  grid.rows = Tensor::zeros<float>({4, 3}, "test");
  CHECK_THROWS_WITH_AS(space.project(grid), "BankSpace::project: features of shape (4, 3), expected 16 channels",
                       Error);
  CHECK_THROWS_AS(BankSpace::fit(source(), {}, {}, 7), Error);
}

}  // namespace
}  // namespace assay::models
