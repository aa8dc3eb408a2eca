// SPDX-License-Identifier: Apache-2.0
// Every detector of the list on the device under test against the same detector on the CPU: fitted, batched, saved on
// one and loaded on the other, and on a second GPU. On the CPU the comparison is with itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "models/detectors/detector_list.h"
#include "models/scoring/image_score.h"
#include "tests/support/synthetic_features.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using testing::on_host;
using testing::values_of;

const testing::SyntheticFeatures& source() {
  static const testing::SyntheticFeatures features{testing::SyntheticOptions()};
  return features;
}

struct Variant {
  std::string name;
  DetectorOptions options;
  int64_t values_per_side = 1;  // of a cell
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  for (const DetectorListing& listing : detector_list()) {
    Variant v{listing.name, {}};
    v.options.dinomaly.iterations = 5;  // a simulated GPU trains slowly, and rounding grows with every step
    v.options.dinomaly.batch = 4;
    v.options.dinomaly.blocks = 2;
    v.options.softpatch.coreset_ratio = 0.05;  // each reference takes a launch
    v.options.rd.iterations = 5;
    v.options.rd.batch = 4;
    v.options.rd.shape.widths = {2, 8};  // packed, 4 * 2 + 8 columns
    if (v.name == "rd") v.values_per_side = 2;
    all.push_back(v);
  }
  Variant greedy{"patchcore", {}};
  greedy.options.patchcore.selector = PatchcoreOptions::Selector::kGreedy;
  greedy.options.patchcore.space.whiten = 0.5;
  all.push_back(greedy);
  Variant gaussian{"softpatch", {}};
  gaussian.options.softpatch.discriminator = Discriminator::kGaussian;
  gaussian.options.softpatch.coreset_ratio = 0.05;
  all.push_back(gaussian);
  Variant farthest{"patchcore", {}};
  farthest.options.patchcore.selector = PatchcoreOptions::Selector::kFarthest;
  all.push_back(farthest);
  return all;
}

std::unique_ptr<Detector> fitted(const Variant& v, Device device) {
  std::unique_ptr<Detector> detector = make_detector(v.name, v.options, device).value();
  CHECK(detector->device() == device);
  detector->fit(source(), source().normal_images(), {Schedule::kFinal, 3, {}});
  return detector;
}

// Features are of size one, sums have tens of terms in float32, and the factors that PaDiM divides by are rounded to it
// with a condition number of some hundreds.
void check_close(const std::vector<float>& found, const std::vector<float>& expected) {
  REQUIRE(found.size() == expected.size());
  int64_t wrong = 0;
  for (size_t i = 0; i < found.size(); ++i) wrong += !(std::fabs(found[i] - expected[i]) <= 2e-4 * (1 + expected[i]));
  CHECK(wrong == 0);
}

TEST_CASE("a detector fitted on the device scores as one fitted on the CPU, within rounding") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    const auto here = fitted(v, testing::test_device());
    const auto reference = fitted(v, Device::cpu());
    for (int64_t i = 0; i < source().num_images(); i += 7) {
      const Tensor values = here->score(source().read(i));
      CHECK(values.device() == testing::test_device());
      CHECK(values.shape() ==
            Shape{v.values_per_side * source().read(i).height, v.values_per_side * source().read(i).width});
      check_close(values_of<float>(values), values_of<float>(reference->score(source().read(i))));
    }
  }
}

TEST_CASE("two fits on the device give the same bits") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    std::map<std::string, Tensor> first, second;
    const auto a = fitted(v, testing::test_device())->save(&first);
    CHECK(fitted(v, testing::test_device())->save(&second) == a);
    for (const auto& [name, tensor] : first) {
      CAPTURE(name);
      CHECK(tensor.device() == Device::cpu());
      REQUIRE(second.count(name) == 1);
      CHECK(std::memcmp(tensor.raw(), second[name].raw(), tensor.bytes()) == 0);
    }
  }
}

// Stops after some steps, with the state of that moment; goes on from a state.
class Stopping : public TrainingObserver {
 public:
  Stopping(int64_t stop_after, TrainingState from) : stop_after_(stop_after), from_(std::move(from)) {}
  TrainingState resume() override { return from_; }
  bool after_step(const TrainingInCourse& training) override {
    steps.push_back(training.steps_done());
    const FeatureGrid grid = source().read(0);
    scores.push_back(values_of<float>(training.detector().score(grid)));
    if (training.steps_done() < stop_after_) return true;
    state = training.state();
    curve = training.curve();
    return training.steps_done() == training.num_steps();
  }
  TrainingState state;
  TrainingCurve curve;
  std::vector<int64_t> steps;
  std::vector<std::vector<float>> scores;  // of one image, after each step

 private:
  const int64_t stop_after_;
  const TrainingState from_;
};

TEST_CASE("a training that was stopped goes on to the bits that it would have had") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    const auto whole = make_detector(v.name, v.options, testing::test_device()).value();
    const int64_t num_steps = whole->training_steps(Schedule::kFinal);
    CHECK(whole->trains() == (v.name == "dinomaly" || v.name == "rd"));
    if (num_steps == 0) continue;
    Stopping never(num_steps, {});
    whole->fit(source(), source().normal_images(), {Schedule::kFinal, 3, {}, &never});
    CHECK(never.curve.losses.size() == static_cast<size_t>(num_steps));
    CHECK(never.scores.front() != never.scores.back());
    std::map<std::string, Tensor> expected;
    const auto description = whole->save(&expected);
    for (const int64_t stop_after : {int64_t{1}, num_steps - 1}) {
      CAPTURE(stop_after);
      const auto detector = make_detector(v.name, v.options, testing::test_device()).value();
      Stopping first(stop_after, {});
      CHECK_THROWS_AS(detector->fit(source(), source().normal_images(), {Schedule::kFinal, 3, {}, &first}), Cancelled);
      CHECK_THROWS_AS(detector->score(source().read(0)), Error);  // a fit that was stopped is none
      for (const auto& [name, tensor] : first.state) CHECK_MESSAGE(tensor.device() == Device::cpu(), name);
      Stopping second(num_steps, first.state);
      detector->fit(source(), source().normal_images(), {Schedule::kFinal, 3, {}, &second});
      CHECK(second.steps.front() == stop_after + 1);
      CHECK(second.curve.losses == never.curve.losses);
      CHECK(second.curve.learning_rates == never.curve.learning_rates);
      CHECK(second.scores.back() == never.scores.back());
      std::map<std::string, Tensor> found;
      CHECK(detector->save(&found) == description);
      for (const auto& [name, tensor] : expected) {
        CAPTURE(name);
        REQUIRE(found.count(name) == 1);
        CHECK(std::memcmp(tensor.raw(), found[name].raw(), tensor.bytes()) == 0);
      }
    }
  }
}

TEST_CASE("a training does not go on from a state that is not its own") {
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    const auto detector = make_detector(v.name, v.options, testing::test_device()).value();
    if (!detector->trains()) continue;
    Stopping first(2, {});
    CHECK_THROWS_AS(detector->fit(source(), {0, 1}, {Schedule::kFinal, 3, {}, &first}), Cancelled);
    for (size_t missing = 0; missing < first.state.size(); ++missing) {
      CAPTURE(first.state[missing].first);
      TrainingState state = first.state;
      state.erase(state.begin() + static_cast<std::ptrdiff_t>(missing));
      Stopping second(4, state);
      CHECK_THROWS_AS(detector->fit(source(), {0, 1}, {Schedule::kFinal, 3, {}, &second}), Error);
      CHECK(second.steps.empty());
    }
  }
}

TEST_CASE("a model saved on the device is loaded on the CPU, and the reverse, with the bits it had") {
  for (const Variant& v : variants()) {
    for (const auto& [from, to] :
         {std::pair(testing::test_device(), Device::cpu()), std::pair(Device::cpu(), testing::test_device())}) {
      CAPTURE(v.name);
      const auto original = fitted(v, from);
      std::map<std::string, Tensor> tensors, again;
      const nlohmann::json description = original->save(&tensors);
      const auto loaded = make_detector(v.name, v.options, to).value();
      const Status status = loaded->load(description, tensors);
      REQUIRE_MESSAGE(status.ok(), status.message());
      CHECK(loaded->save(&again) == description);
      for (const auto& [name, tensor] : tensors) {
        CHECK(std::memcmp(tensor.raw(), again.at(name).raw(), tensor.bytes()) == 0);
      }
      const Tensor values = loaded->score(source().read(1));
      CHECK(values.device() == to);
      check_close(values_of<float>(values), values_of<float>(original->score(source().read(1))));
    }
  }
}

TEST_CASE("images of a batch get the values and the maps that each gets alone") {
  std::vector<int64_t> images(source().num_images());
  std::iota(images.begin(), images.end(), 0);
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    const auto detector = fitted(v, testing::test_device());
    const auto batch = images_at(images, batches_of_one_size(source(), images, 5).front());
    REQUIRE(batch.size() == 5);
    const FeatureGrid together = source().read_batch(batch, testing::test_device());
    CHECK(together.batch == 5);
    const Tensor values = detector->score(together);
    CHECK(values.shape() == Shape{5, v.values_per_side * together.height, v.values_per_side * together.width});
    const Tensor maps = on_host(anomaly_map(values, 40, 50, 2));
    CHECK(maps.shape() == Shape{5, 40, 50});
    for (int64_t b = 0; b < 5; ++b) {
      const Tensor alone = detector->score(source().read(batch[b]));
      check_close(values_of<float>(on_host(values).rows(b, b + 1)), values_of<float>(alone));
      const Tensor map = on_host(anomaly_map(alone, 40, 50, 2));
      check_close(values_of<float>(maps.rows(b, b + 1)), values_of<float>(map));
    }
  }
}

TEST_CASE("a second GPU gives the bits of the first") {
  if (!testing::on_cuda() || !devices_from_name("cuda:1").ok()) return;  // takes two GPUs
  for (const Variant& v : variants()) {
    CAPTURE(v.name);
    CHECK(values_of<float>(fitted(v, Device::cuda(1))->score(source().read(2))) ==
          values_of<float>(fitted(v, Device::cuda(0))->score(source().read(2))));
  }
}

TEST_CASE("batches hold images of one size, in their order, none left out") {
  std::vector<int64_t> images(source().num_images());
  std::iota(images.rbegin(), images.rend(), 0);
  std::vector<int64_t> seen;
  for (const std::vector<int64_t>& positions : batches_of_one_size(source(), images, 4)) {
    CHECK(positions.size() <= 4);
    for (const int64_t p : positions) {
      CHECK(is_same_size(source().shape(images[p]), source().shape(images[positions[0]])));
      seen.push_back(p);
    }
    CHECK(std::is_sorted(positions.begin(), positions.end()));
  }
  std::sort(seen.begin(), seen.end());
  for (size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == static_cast<int64_t>(i));
  CHECK(seen.size() == images.size());
  CHECK_THROWS_AS(source().read_batch({0, 1}, Device::cpu()), Error);  // of another size
}

}  // namespace
}  // namespace assay::models
