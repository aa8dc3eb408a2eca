// SPDX-License-Identifier: Apache-2.0
// Saved models come back bit for bit; damaged ones are refused with a reason and change nothing.
#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "models/detectors/load_support.h"
#include "models/detectors/softpatch.h"

namespace assay::models {
namespace {

const Softpatch& small_model() {
  static const Softpatch model = small_fit(Softpatch());
  return model;
}

std::string refusal(const Saved& damaged) { return refusal_by(small_model(), damaged); }

TEST_CASE("a loaded model scores bit for bit as the saved one, and saves as it") {
  Saved s = saved(small_model());
  CHECK(s.tensors.size() == 4);
  CHECK(s.tensors.at("softpatch.bank").shape() == Shape{6, 5});  // a tenth of 60 patches
  CHECK(s.tensors.at("softpatch.weight").shape() == Shape{6});
  s.tensors["backbone.weight"] = Tensor::zeros<float>({2}, "test");  // a model file holds other tensors too
  Softpatch loaded;
  REQUIRE(loaded.load(nlohmann::json::parse(s.description.dump()), s.tensors).ok());
  CHECK(score(loaded) == score(small_model()));
  const Saved again = saved(loaded);
  CHECK(again.description == s.description);
  CHECK(again.tensors.size() == 4);
}

TEST_CASE("each tensor's presence, dtype, shape and numbers are checked") {
  const Saved good = saved(small_model());
  for (const auto& [name, whole] : good.tensors) {
    CAPTURE(name);
    Saved s = good;
    s.tensors.erase(name);
    CHECK_FALSE(refusal(s).empty());
    for (const Tensor& wrong : {Tensor(), Tensor::zeros<int32_t>(whole.shape(), "test"),
                                whole.reshape({1, whole.size()}), whole.rows(0, whole.dim(0) - 1)}) {
      s.tensors[name] = wrong;
      CHECK_FALSE(refusal(s).empty());
    }
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      s.tensors[name] = whole.clone("test");
      s.tensors[name].data<float>()[whole.size() / 2] = value;
      CHECK_FALSE(refusal(s).empty());
    }
  }
  Saved s = good;
  s.tensors.erase("softpatch.weight");
  CHECK(refusal(s) == "softpatch: tensor softpatch.weight is missing");
  s.tensors["softpatch.weight"] = Tensor::zeros<float>({7}, "test");
  CHECK(refusal(s) == "softpatch.weight has shape (7), expected (6) of float32");
  s.tensors["softpatch.weight"] = Tensor::zeros<float>({6}, "test");
  s.tensors["softpatch.weight"].data<float>()[4] = -0.5f;
  CHECK(refusal(s) == "softpatch.weight: element 4 is -0.5, expected a number >= 0");
  s.tensors["softpatch.bank"] = Tensor::zeros<float>({0, 5}, "test");
  s.tensors["softpatch.weight"] = Tensor::zeros<float>({0}, "test");
  CHECK(refusal(s).find("softpatch: a bank of shape (0, 5)") == 0);
}

TEST_CASE("the description is checked") {
  const Saved good = saved(small_model());
  for (const char* wrong : {"null", "3", "[]", "{}", "\"space\"", R"({"space": 1})", R"({"space": {}})",
                            R"({"space": {"reference_share": 2, "seed": 1}})"}) {
    CAPTURE(wrong);
    Saved s = good;
    s.description = nlohmann::json::parse(wrong);
    CHECK(refusal(s).find("softpatch: ") == 0);
  }
}

TEST_CASE("random damage never crashes: a model is refused, or loads and scores") {
  const char* seed_text = std::getenv("ASSAY_SEED");
  const uint32_t seed = seed_text ? static_cast<uint32_t>(std::strtoul(seed_text, nullptr, 10)) : 1;
  CAPTURE(seed);
  std::mt19937 engine(seed);
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(engine() % n); };
  const Saved good = saved(small_model());
  Softpatch softpatch = small_model();
  int64_t refused = 0;
  for (int round = 0; round < 2000; ++round) {
    Saved s = good;
    Tensor& tensor = std::next(s.tensors.begin(), below(4))->second;
    tensor = tensor.clone("test");
    switch (below(3)) {
      case 0:
        for (int64_t i = below(4); i >= 0; --i) tensor.raw()[below(tensor.bytes())] = std::byte(below(256));
        break;
      case 1:
        tensor = Tensor::zeros<float>({below(8), below(8)}, "test");
        break;
      default: {
        std::string text = s.description.dump();
        text[below(text.size())] = static_cast<char>(below(96) + 32);
        s.description = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
      }
    }
    if (!softpatch.load(s.description, s.tensors).ok()) {
      ++refused;
      continue;
    }
    FeatureGrid grid = small_source().read(0);
    grid.rows = Tensor::zeros<float>({grid.height * grid.width, s.tensors.at("space.matrix").dim(1)}, "test");
    CHECK(softpatch.score(grid).shape() == Shape{3, 4});
  }
  CHECK(refused > 500);
  CHECK(refused < 2000);
}

}  // namespace
}  // namespace assay::models
