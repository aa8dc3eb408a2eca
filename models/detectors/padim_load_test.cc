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
#include "models/detectors/padim.h"

namespace assay::models {
namespace {

const Padim& small_model() {
  static const Padim model = [] {
    PadimOptions options;
    options.channels = 3;
    return small_fit(Padim(options));
  }();
  return model;
}

std::string refusal(const Saved& damaged) { return refusal_by(small_model(), damaged); }

TEST_CASE("a loaded model scores bit for bit as the saved one, and saves as it") {
  const Padim& padim = small_model();
  Saved s = saved(padim);
  s.tensors["backbone.weight"] = Tensor::zeros<float>({2}, "test");  // a model file holds other tensors too
  Padim loaded;
  REQUIRE(loaded.load(nlohmann::json::parse(s.description.dump()), s.tensors).ok());
  CHECK(score(loaded) == score(padim));
  const Saved again = saved(loaded);
  CHECK(again.description == s.description);
  CHECK(again.tensors.size() == 3);
}

TEST_CASE("each field of the description is checked") {
  const Saved good = saved(small_model());
  for (const char* key : {"height", "width", "feature_width"}) {
    CAPTURE(key);
    Saved s = good;
    s.description.erase(key);
    CHECK(refusal(s) == std::string("padim: ") + key + " is missing from the description");
    for (const char* value : {"null", "true", "\"3\"", "\"\\u0000\"", "[]", "{}", "3.0", "-3", "0", "1e300",
                              "9223372036854775807", "9223372036854775808", "18446744073709551615", "2"}) {
      CAPTURE(value);
      s.description[key] = nlohmann::json::parse(value);
      CHECK_FALSE(refusal(s).empty());
    }
    s.description[key] = std::string("\xff\xfe");  // not UTF-8
    CHECK(refusal(s).find(std::string("padim: ") + key + " is string, expected an integer from 1 to ") == 0);
  }
  for (const char* value : {"null", "3", "\"height\"", "[1, 2]", "{}"}) {
    Saved s = good;
    s.description = nlohmann::json::parse(value);
    CHECK(refusal(s) == "padim: height is missing from the description");
  }
}

TEST_CASE("each tensor's presence, dtype and shape are checked") {
  const Saved good = saved(small_model());
  for (const auto& [name, tensor] : good.tensors) {
    CAPTURE(name);
    Saved s = good;
    s.tensors.erase(name);
    CHECK(refusal(s) == "padim: tensor " + name + " is missing");
    const bool is_float = tensor.dtype() == DType::kFloat32;
    s.tensors[name] = Tensor::zeros(tensor.shape(), is_float ? DType::kInt32 : DType::kInt64, "test");
    CHECK(refusal(s).find(name) == 0);
    s.tensors[name] = Tensor();
    CHECK(refusal(s).find(name) == 0);
    s.tensors[name] = tensor.reshape({1, tensor.size()});
    CHECK(refusal(s).find(name) == 0);
    s.tensors[name] = tensor.rows(0, tensor.dim(0) - 1);
    CHECK_FALSE(refusal(s).empty());
    Shape longer = tensor.shape();
    longer.back() += 1;
    s.tensors[name] = Tensor::zeros(longer, tensor.dtype(), "test");
    CHECK_FALSE(refusal(s).empty());
  }
}

TEST_CASE("values are checked: finite, positive on the diagonal, channels ascending and in range") {
  const Saved good = saved(small_model());
  const auto with_float = [&](const char* name, int64_t at, float value) {
    Saved s = good;
    s.tensors[name] = s.tensors[name].clone("test");
    s.tensors[name].data<float>()[at] = value;
    return s;
  };
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    CHECK(refusal(with_float("padim.mean", 35, value)) == "padim.mean holds a value that is not finite");
    CHECK(refusal(with_float("padim.cholesky", 71, value)) == "padim.cholesky holds a value that is not finite");
  }
  CHECK(refusal(with_float("padim.cholesky", 71, -1)) ==
        "padim.cholesky: diagonal element 2 of position 11 is -1, expected > 0");
  const auto with_channels = [&](const std::vector<int32_t>& channels) {
    Saved s = good;
    s.tensors["padim.channels"] = s.tensors["padim.channels"].clone("test");
    std::copy(channels.begin(), channels.end(), s.tensors["padim.channels"].data<int32_t>());
    return s;
  };
  CHECK(refusal(with_channels({0, 1, 5})) == "padim.channels: element 2 is 5, expected 2 to 4 (ascending)");
  CHECK_FALSE(refusal(with_channels({-1, 1, 2})).empty());
  CHECK_FALSE(refusal(with_channels({0, 1, 1})).empty());
  CHECK_FALSE(refusal(with_channels({2, 1, 3})).empty());
  CHECK_FALSE(refusal(with_channels({INT32_MIN, 1, INT32_MAX})).empty());
}

TEST_CASE("random damage never crashes: a model is refused, or loads and scores") {
  const char* seed_text = std::getenv("ASSAY_SEED");
  const uint32_t seed = seed_text ? static_cast<uint32_t>(std::strtoul(seed_text, nullptr, 10)) : 1;
  CAPTURE(seed);
  std::mt19937 engine(seed);
  const auto below = [&](uint64_t n) { return static_cast<int64_t>(engine() % n); };
  const Saved good = saved(small_model());
  Padim padim = small_model();
  int64_t refused = 0;
  for (int round = 0; round < 2000; ++round) {
    Saved s = good;
    auto entry = std::next(s.tensors.begin(), below(3));
    Tensor& tensor = entry->second;
    tensor = tensor.clone("test");
    switch (below(3)) {
      case 0:
        for (int64_t i = below(4); i >= 0; --i) tensor.raw()[below(tensor.bytes())] = std::byte(below(256));
        break;
      case 1:
        tensor = Tensor::zeros({below(14), below(8)}, tensor.dtype(), "test");
        break;
      default: {
        std::string text = s.description.dump();
        text[below(text.size())] = static_cast<char>(below(96) + 32);
        s.description = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
      }
    }
    if (!padim.load(s.description, s.tensors).ok()) {
      ++refused;
      continue;
    }
    FeatureGrid grid = small_source().read(0);
    const int64_t feature_width = s.description["feature_width"];
    grid.rows = Tensor::zeros<float>({grid.height * grid.width, feature_width}, "test");
    CHECK(padim.score(grid).shape() == Shape{3, 4});
  }
  CHECK(refused > 500);
  CHECK(refused < 2000);
}

}  // namespace
}  // namespace assay::models
