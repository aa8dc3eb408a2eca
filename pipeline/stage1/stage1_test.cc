// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/stage1.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>

#include "kernels/random/generator.h"
#include "models/detectors/patchcore.h"
#include "tests/support/synthetic_features.h"

namespace assay::pipeline {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;

// --- The oracle: a detector whose score of an image is its label
// ------------------------------------------------------

struct LabelledImage {
  int64_t id;
  float label;  // 0 normal, 1 anomalous, or anything between that tells images apart
};

// One cell an image, which holds the label. The content key comes from the id alone.
class Labelled : public models::FeatureSource {
 public:
  explicit Labelled(std::vector<LabelledImage> images) : images_(std::move(images)) {}
  int64_t num_images() const override { return static_cast<int64_t>(images_.size()); }
  int64_t feature_width() const override { return 1; }
  uint64_t content_key(int64_t image) const override {
    return static_cast<uint64_t>(images_.at(image).id) * 0x9e3779b97f4a7c15u;
  }
  models::FeatureGrid read(int64_t image) const override {
    models::FeatureGrid grid{1, 1, 8, 8, Tensor::empty<float>({1, 1}, "test")};
    grid.rows.data<float>()[0] = images_.at(image).label;
    return grid;
  }
  std::set<int64_t> ids(const std::vector<uint8_t>& marks) const {
    std::set<int64_t> result;
    for (size_t i = 0; i < marks.size(); ++i) {
      if (marks[i]) result.insert(images_[i].id);
    }
    return result;
  }

 private:
  std::vector<LabelledImage> images_;
};

class Oracle : public models::Detector {
 public:
  void fit(const models::FeatureSource&, const std::vector<int64_t>&, const models::FitOptions& options) override {
    if (options.progress && !options.progress(0.5)) throw models::Cancelled();
  }
  Tensor score(const models::FeatureGrid& grid) const override { return grid.rows; }
  nlohmann::json save(std::map<std::string, Tensor>*) const override { return {}; }
  Status load(const nlohmann::json&, const std::map<std::string, Tensor>&) override { return Status(); }
};

std::unique_ptr<models::Detector> make_oracle(Device) { return std::make_unique<Oracle>(); }

template <class T>
std::vector<T> shuffled(const std::vector<T>& items, uint64_t seed) {
  kernels::Generator generator(seed, 77);
  std::vector<T> result;
  for (const int64_t i : kernels::random_permutation(static_cast<int64_t>(items.size()), generator)) {
    result.push_back(items[i]);
  }
  return result;
}

// `anomalous` of `count` images, which ones is random; ids from 0.
std::vector<LabelledImage> labelled(int64_t count, int64_t anomalous, uint64_t seed) {
  kernels::Generator generator(seed);
  std::vector<LabelledImage> images(count);
  for (int64_t i = 0; i < count; ++i) images[i] = {i, 0};
  for (const int64_t i : kernels::random_sample(count, anomalous, generator)) images[i].label = 1;
  return images;
}

Result<Stage1Result> run_with(const models::FeatureSource& features, const DetectorFactory& make,
                              const Stage1Options& options, Progress* progress) {
  Result<std::unique_ptr<DistanceTable>> table = make_distance_table(features, make, options, progress);
  if (!table.ok()) return table.status();
  return run_stage1(features, table.value().get(), make, options, progress);
}

Stage1Result run(const models::FeatureSource& features, const DetectorFactory& make, const Stage1Options& options) {
  Progress progress;
  return run_with(features, make, options, &progress).value();
}

Stage1Options keeping(double fraction, int subsets, uint64_t seed) {
  Stage1Options options;
  options.keep = {false, fraction};
  options.subsets = subsets;
  options.seed = seed;
  return options;
}

TEST_CASE("with an oracle for a detector, what is kept holds no anomaly") {
  constexpr int64_t kCount = 30, kAnomalous = 6;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    const std::vector<LabelledImage> files = labelled(kCount, kAnomalous, seed);
    std::set<int64_t> anomalies;
    for (const LabelledImage& image : files) {
      if (image.label > 0) anomalies.insert(image.id);
    }
    for (int subsets = 2; subsets <= 8; ++subsets) {
      for (const double fraction : {0.05, 0.5, 0.8}) {
        Stage1Options options = keeping(fraction, subsets, seed);
        options.aggregate.over = seed % 2 ? Over::kAll : Over::kHeldOut;
        options.aggregate.aggregate = std::vector<Aggregate>{Aggregate::kMean, Aggregate::kMax, Aggregate::kMedian,
                                                             Aggregate::kTrimmed}[seed % 4];
        const Labelled source(shuffled(files, seed * 10 + static_cast<uint64_t>(subsets)));
        const Stage1Result result = run(source, make_oracle, options);
        const std::set<int64_t> kept = source.ids(result.selection.kept);
        CHECK(kept.size() == static_cast<size_t>(std::floor(fraction * kCount + 1e-9)));
        for (const int64_t id : kept) CHECK(anomalies.count(id) == 0);
        CHECK(result.excluded.empty());
      }
    }
  }
}

TEST_CASE("with an oracle, the same ids are kept whatever the order of the files") {
  std::vector<LabelledImage> files = labelled(40, 8, 3);
  for (LabelledImage& image : files) image.label += 0.001f * static_cast<float>(image.id % 40);
  for (const double fraction : {0.3, 0.8, 0.9}) {
    const Labelled source(files);
    const std::set<int64_t> expected = source.ids(run(source, make_oracle, keeping(fraction, 5, 1)).selection.kept);
    for (uint64_t order = 0; order < 4; ++order) {
      const Labelled other(shuffled(files, order));
      CHECK(other.ids(run(other, make_oracle, keeping(fraction, 5, 1)).selection.kept) == expected);
    }
  }
}

// An oracle that each seed scales a little: means over sub-models are then no floats.
class ScaledOracle : public Oracle {
 public:
  void fit(const models::FeatureSource&, const std::vector<int64_t>&, const models::FitOptions& options) override {
    scale_ = 1 + 0.003f * static_cast<float>(options.seed % 7);
  }
  Tensor score(const models::FeatureGrid& grid) const override {
    const Tensor map = grid.rows.clone("test");
    map.data<float>()[0] *= scale_;
    return map;
  }

 private:
  float scale_ = 1;
};

TEST_CASE("the automatic rule sets aside what it found to be the tail, no image more") {
  const auto make_scaled = [](Device) { return std::make_unique<ScaledOracle>(); };
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::vector<LabelledImage> files = labelled(60, 8, seed);
    kernels::Generator generator(seed, 5);
    for (LabelledImage& image : files) {
      image.label = static_cast<float>((image.label > 0 ? 50 : 1) * std::exp(0.1 * generator.normal()));
    }
    const Labelled source(files);
    Stage1Options options;
    options.subsets = 3;
    options.seed = seed;
    const Stage1Result result = run(source, make_scaled, options);
    REQUIRE(result.tail.found);
    const size_t in_tail = static_cast<size_t>(std::lround(result.tail.tail_share * 60));
    const std::set<int64_t> kept = source.ids(result.selection.kept);
    CHECK(kept.size() == 60 - in_tail);
    for (const LabelledImage& image : files) CHECK_FALSE((image.label > 20 && kept.count(image.id) == 1));
  }
}

// --- Memory banks
// -----------------------------------------------------------------------------------------------------

std::unique_ptr<models::Detector> make_patchcore(Device) {
  return std::make_unique<models::Patchcore>(models::PatchcoreOptions());
}

SyntheticFeatures synthetic(uint64_t seed) {
  SyntheticOptions options;
  options.seed = seed;
  return SyntheticFeatures(options);
}

std::set<uint64_t> kept_keys(const models::FeatureSource& features, const Stage1Result& result) {
  std::set<uint64_t> keys;
  for (int64_t i = 0; i < features.num_images(); ++i) {
    if (result.selection.kept[i]) keys.insert(features.content_key(i));
  }
  return keys;
}

TEST_CASE("planted anomalies are set aside, with the table and with fitted sub-models") {
  for (const uint64_t seed : {2}) {
    const SyntheticFeatures features = synthetic(seed);  // 8 of 40 images are anomalous
    for (const bool with_table : {true, false}) {
      Stage1Options options = keeping(0.8, 5, seed);
      if (!with_table) options.max_table_bytes = 0;
      const Stage1Result result = run(features, make_patchcore, options);
      CHECK(result.num_models == 5);
      CHECK(result.scores.size() == 200);
      for (int64_t i = 0; i < 40; ++i) CHECK(result.selection.kept[i] != features.is_anomalous(i));
    }
    for (const Aggregate aggregate :
         {Aggregate::kExpected, Aggregate::kSupport, Aggregate::kBankEnsemble, Aggregate::kOutOfBag}) {
      for (const bool automatic : {false, true}) {
        CAPTURE(aggregate_name(aggregate));
        Stage1Options options = keeping(0.8, 5, seed);
        options.keep.automatic = automatic;
        options.false_share = 0.01;
        options.aggregate.aggregate = aggregate;
        const Stage1Result result = run(features, make_patchcore, options);
        for (int64_t i = 0; i < 40; ++i) CHECK(result.selection.kept[i] != features.is_anomalous(i));
      }
    }
  }
}

// Every cell is a reference: a near copy then has one for each cell of the other.
std::unique_ptr<models::Detector> make_dense_patchcore(Device) {
  models::PatchcoreOptions options;
  options.space.reference_share = 1;
  return std::make_unique<models::Patchcore>(options);
}

TEST_CASE("photographs of one anomaly do not vouch for each other, those of different ones still might") {
  for (const uint64_t seed : {2, 3}) {
    SyntheticOptions synthetic_options;
    synthetic_options.seed = seed;
    synthetic_options.num_images = 60;
    const SyntheticFeatures once(synthetic_options);
    const int64_t anomalous = once.anomalous_images()[1];
    const SyntheticFeatures features = once.with_copies(anomalous, 5, 0.05);
    Stage1Options options;
    options.false_share = 0.01;
    options.aggregate.aggregate = Aggregate::kSupport;
    const Stage1Result result = run(features, make_dense_patchcore, options);
    for (int64_t i = 0; i < features.num_images(); ++i) {
      CHECK(result.selection.kept[i] != features.is_anomalous(i));
    }
    options.copy_share = 1;  // without the rule the six are enough for each other
    const Stage1Result fooled = run(features, make_dense_patchcore, options);
    CHECK(fooled.selection.kept[anomalous] == 1);
    for (int64_t i = 60; i < 65; ++i) CHECK(fooled.selection.kept[i] == 1);
  }
}

TEST_CASE("aggregates over all partitions do not see the order of the images at all") {
  const SyntheticFeatures features = synthetic(4);
  std::vector<int64_t> order(40);
  std::iota(order.begin(), order.end(), 0);
  order = shuffled(order, 9);
  const SyntheticFeatures other = features.reordered(order);
  for (const Aggregate aggregate : {Aggregate::kExpected, Aggregate::kSupport}) {
    Stage1Options options = keeping(0.7, 5, 2);
    options.aggregate.aggregate = aggregate;
    const Stage1Result a = run(features, make_patchcore, options), b = run(other, make_patchcore, options);
    for (int64_t i = 0; i < 40; ++i) CHECK(b.suspicion[i] == a.suspicion[order[i]]);
    CHECK(kept_keys(other, b) == kept_keys(features, a));
  }
}

TEST_CASE("in the order of contents, cuts and scores are the same whatever the order of the files") {
  const SyntheticFeatures features = synthetic(5);
  std::vector<int64_t> order(40);
  std::iota(order.begin(), order.end(), 0);
  const SyntheticFeatures first = features.reordered(models::by_content(features, order));
  const SyntheticFeatures listed = features.reordered(shuffled(order, 4));
  const SyntheticFeatures second = listed.reordered(models::by_content(listed, order));
  const Stage1Result a = run(first, make_patchcore, keeping(0.7, 4, 2));
  const Stage1Result b = run(second, make_patchcore, keeping(0.7, 4, 2));
  CHECK(a.subset == b.subset);
  CHECK(a.scores == b.scores);
  CHECK(kept_keys(first, a) == kept_keys(second, b));
}

TEST_CASE("later rounds cut and compare only what is still kept, and score every image") {
  const SyntheticFeatures features = synthetic(6);
  for (const Aggregate aggregate : {Aggregate::kMean, Aggregate::kExpected, Aggregate::kSupport}) {
    Stage1Options options = keeping(0.8, 5, 3);
    options.aggregate.aggregate = aggregate;
    const Stage1Result one = run(features, make_patchcore, options);
    options.rounds = 2;
    const Stage1Result two = run(features, make_patchcore, options);
    for (int64_t i = 0; i < 40; ++i) {
      CHECK((two.subset[i] == -1) == !one.selection.kept[i]);
      CHECK(std::isfinite(two.suspicion[i]));
      CHECK(two.selection.kept[i] != features.is_anomalous(i));
    }
  }
}

TEST_CASE("rounds end when fewer images are kept than there are subsets") {
  const SyntheticFeatures features = synthetic(6);
  Stage1Options options = keeping(0.1, 5, 3);
  options.rounds = 10;
  const Stage1Result result = run(features, make_patchcore, options);
  CHECK(std::count(result.selection.kept.begin(), result.selection.kept.end(), 1) == 4);
  CHECK(std::count(result.subset.begin(), result.subset.end(), -1) == 0);
}

TEST_CASE("rescue leaves out the planted cells of what is set aside, and hardly another") {
  for (const bool automatic : {false, true}) {
    CAPTURE(automatic);
    const SyntheticFeatures features = synthetic(7);
    Stage1Options options = keeping(0.8, 5, 3);
    options.keep.automatic = automatic;
    options.false_share = 0.01;
    options.aggregate.aggregate = Aggregate::kSupport;
    options.rescue_patches = true;
    const Stage1Result result = run(features, make_patchcore, options);
    int64_t planted_left = 0, normal_cut = 0;
    for (int64_t i = 0; i < 40; ++i) {
      const auto entry = result.excluded.find(i);
      CHECK((entry == result.excluded.end()) == (result.selection.kept[i] == 1));
      CHECK(result.selection.kept[i] != features.is_anomalous(i));
      if (entry == result.excluded.end()) continue;
      const auto& planted = features.planted(i);
      REQUIRE(static_cast<int64_t>(entry->second.size()) == features.read(i).rows.dim(0));
      for (size_t p = 0; p < entry->second.size(); ++p) {
        const bool is_planted = std::count(planted.begin(), planted.end(), static_cast<int64_t>(p)) > 0;
        planted_left += is_planted && !entry->second[p];
        normal_cut += !is_planted && entry->second[p];
      }
    }
    // Of 32 planted cells. A fixed share takes the threshold from blurred maps, which are a little lower than patches.
    CHECK(planted_left <= (automatic ? 0 : 4));
    CHECK(normal_cut <= 8 * 64 / 20);
  }
}

TEST_CASE("with a share of one, rescue sets nothing aside") {
  Stage1Options options = keeping(1, 5, 3);
  options.rescue_patches = true;
  const Stage1Result result = run(synthetic(7), make_patchcore, options);
  CHECK(result.excluded.empty());
  CHECK(std::count(result.selection.kept.begin(), result.selection.kept.end(), 1) == 40);
}

// --- What cannot be done
// ----------------------------------------------------------------------------------------------

std::string refusal(const models::FeatureSource& features, const DetectorFactory& make, const Stage1Options& options) {
  Progress progress;
  const Result<Stage1Result> result = run_with(features, make, options, &progress);
  return result.ok() ? "" : result.message();
}

TEST_CASE("what cannot be done is said, naming the option") {
  const Labelled three(labelled(3, 1, 0));
  CHECK(refusal(three, make_oracle, keeping(0.5, 4, 0)) ==
        "--subsets=4: there are only 3 usable training images, and each subset needs one");
  CHECK(refusal(three, make_oracle, keeping(0.5, 3, 0)).empty());
  Stage1Options support = keeping(0.5, 2, 0);
  support.aggregate.aggregate = Aggregate::kSupport;
  CHECK(refusal(three, make_oracle, support).find("--aggregate=support: needs a memory bank") == 0);
  Stage1Options rescue = keeping(0.5, 2, 0);
  rescue.rescue_patches = true;
  CHECK(refusal(three, make_oracle, rescue).find("--rescue=patches: needs a memory bank") == 0);
  rescue.max_table_bytes = 0;
  CHECK(refusal(synthetic(1), make_patchcore, rescue).find("--rescue=patches: needs a memory bank") == 0);
}

class StopAfter : public Progress {
 public:
  explicit StopAfter(int64_t questions) : left_(questions) {}
  bool stop_requested() override { return left_-- <= 0; }

 private:
  int64_t left_;
};

TEST_CASE("a request to stop ends it with one message, whenever it comes") {
  const SyntheticFeatures features = synthetic(1);
  for (const int64_t questions : {0, 1, 20, 40}) {
    StopAfter with_table(questions), fitted(questions);
    CHECK(run_with(features, make_patchcore, keeping(0.8, 5, 0), &with_table).message() == kInterrupted);
    Stage1Options no_table = keeping(0.8, 5, 0);
    no_table.max_table_bytes = 0;
    CHECK(run_with(features, make_patchcore, no_table, &fitted).message() == kInterrupted);
  }
}

}  // namespace
}  // namespace assay::pipeline
