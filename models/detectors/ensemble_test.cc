// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/ensemble.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "models/detectors/detector_list.h"
#include "tests/support/synthetic_features.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using testing::test_device;
using testing::values_of;

const testing::SyntheticFeatures& source() {
  static const testing::SyntheticFeatures features{testing::SyntheticOptions()};
  return features;
}

DetectorOptions brief_options() {
  DetectorOptions o;
  o.dinomaly.iterations = 2;
  o.dinomaly.batch = 4;
  o.dinomaly.blocks = 1;
  o.rd.iterations = 2;
  o.rd.batch = 4;
  o.rd.shape.widths = {2, 8};  // packed, 4 * 2 + 8 columns
  return o;
}

std::shared_ptr<Detector> member(const std::string& name, int64_t first) {
  std::shared_ptr<Detector> detector = make_detector(name, brief_options(), test_device()).value();
  const std::vector<int64_t> normal = source().normal_images();
  detector->fit(source(), {normal.begin() + first, normal.begin() + first + 6}, {Schedule::kSubModel, 3, {}});
  return detector;
}

Ensemble to_load(const std::string& name) {
  return Ensemble([name] { return make_detector(name, {}, test_device()).value(); }, test_device());
}

TEST_CASE("an ensemble of every detector is the weighted mean of its members, alone and in a batch") {
  for (const DetectorListing& listing : detector_list()) {
    CAPTURE(std::string(listing.name));
    const auto a = member(listing.name, 0), b = member(listing.name, 6);
    const Ensemble ensemble({{a, 0.5}, {b, 2}});
    CHECK(ensemble.device() == test_device());
    const std::vector<std::vector<int64_t>> same_size = batches_of_one_size(source(), {0, 1, 2, 3, 4, 5, 6, 7}, 3);
    for (const FeatureGrid& grid : {source().read(1), source().read_batch(same_size[0], test_device())}) {
      const Tensor found = ensemble.score(grid);
      CHECK(found.shape() == a->score(grid).shape());
      CHECK(found.device() == test_device());
      const auto values = values_of<float>(found), x = values_of<float>(a->score(grid)),
                 y = values_of<float>(b->score(grid));
      for (size_t i = 0; i < values.size(); ++i) {
        const double expected = (0.5 * x[i] + 2.0 * y[i]) / 2;
        // Two products and a sum in float32.
        CHECK(!(std::fabs(values[i] - expected) > 3 * 6e-8 * (std::fabs(x[i]) + std::fabs(2 * y[i]))));
      }
    }
  }
}

TEST_CASE("a loaded ensemble scores as the saved one, bit for bit") {
  for (const DetectorListing& listing : detector_list()) {
    CAPTURE(std::string(listing.name));
    const Ensemble saved({{member(listing.name, 0), 1.25}, {member(listing.name, 6), 0.75}});
    std::map<std::string, Tensor> tensors, again;
    const nlohmann::json description = saved.save(&tensors);
    Ensemble loaded = to_load(listing.name);
    const Status status = loaded.load(nlohmann::json::parse(description.dump()), tensors);
    REQUIRE_MESSAGE(status.ok(), status.message());
    CHECK(loaded.save(&again) == description);
    const Tensor x = saved.score(source().read(2)), y = loaded.score(source().read(2));
    CHECK(values_of<float>(x) == values_of<float>(y));
  }
}

TEST_CASE("an ensemble that is damaged is refused with a reason and changes nothing") {
  const Ensemble saved({{member("patchcore", 0), 1}, {member("patchcore", 6), 1}});
  std::map<std::string, Tensor> tensors;
  const nlohmann::json good = saved.save(&tensors);
  Ensemble loaded = to_load("patchcore");
  CHECK_THROWS_AS(loaded.score(source().read(0)), Error);
  REQUIRE(loaded.load(good, tensors).ok());
  const std::vector<float> before = values_of<float>(loaded.score(source().read(0)));
  const auto refused = [&](const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(pointer)] = value;
    return loaded.load(bad, tensors).message();
  };
  CHECK(refused("/members", nlohmann::json::array()).find("0 members and 2 weights") != std::string::npos);
  CHECK(refused("/members", 7).find("0 members") != std::string::npos);
  CHECK(refused("/members", nlohmann::json(std::vector<int>(65))).find("65 members") != std::string::npos);
  CHECK(refused("/weights", {1}).find("2 members and 1 weights") != std::string::npos);
  for (const nlohmann::json& weight : {nlohmann::json(0), nlohmann::json(-1), nlohmann::json("1"), nlohmann::json()}) {
    CHECK(refused("/weights/1", weight).find("weights[1] is " + weight.dump()) != std::string::npos);
  }
  CHECK(refused("/members/1", nlohmann::json::object()).find("ensemble, member 1: ") == 0);
  CHECK_FALSE(loaded.load("text", tensors).ok());
  for (const auto& [name, tensor] : tensors) {
    CAPTURE(name);
    std::map<std::string, Tensor> fewer = tensors;
    fewer.erase(name);
    CHECK(loaded.load(good, fewer).message().find("ensemble, member ") == 0);
  }
  CHECK(values_of<float>(loaded.score(source().read(0))) == before);
}

TEST_CASE("what cannot be an ensemble is the caller's fault") {
  const auto a = member("patchcore", 0);
  CHECK_THROWS_AS(Ensemble(std::vector<Ensemble::Member>()), Error);
  for (const double weight : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::nan("")}) {
    CHECK_THROWS_AS(Ensemble({{a, weight}}), Error);
  }
  CHECK_THROWS_WITH(Ensemble({{a, 1}}).fit(source(), {0}, {}), "ensemble: its members are fitted, not itself");
}

}  // namespace
}  // namespace assay::models
