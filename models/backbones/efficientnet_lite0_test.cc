// SPDX-License-Identifier: Apache-2.0
// Against the PyTorch package that the weights come from (tests/golden/make_backbone.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#include <stb/stb_image.h>

#include "engine/io/safetensors.h"
#include "engine/ops/convert_float16.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/check.h"
#include "kernels/base/parallel.h"
#include "kernels/base/text.h"
#include "models/backbones/backbone.h"
#include "models/backbones/backbone_list.h"
#include "models/backbones/efficientnet_lite0.h"
#include "models/weights/embedded_weights.h"
#include "tests/support/temporary_folder.h"

namespace assay::models {
namespace {

const std::string kGolden = "tests/golden/backbone/";

std::unique_ptr<Backbone> backbone() { return make_backbone("efficientnet_lite0").value(); }

const nlohmann::json& golden() {
  static const nlohmann::json json = [] {
    std::ifstream file(kGolden + "efficientnet_lite0.json");
    return nlohmann::json::parse(file);
  }();
  return json;
}

// pattern() of make_backbone.py.
Tensor pattern(int64_t height, int64_t width) {
  const Tensor image = Tensor::empty<uint8_t>({height, width, 3}, "test");
  uint8_t* at = image.data<uint8_t>();
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < 3; ++c) {
        *at++ = static_cast<uint8_t>((3 * x * x + 5 * x * y + 7 * y * y) / 16 + 83 * c + 40 * (x / 9 % 2));
      }
    }
  }
  return image;
}

Tensor photograph(const std::string& name) {
  int width = 0;
  int height = 0;
  int channels = 0;
  stbi_uc* pixels = stbi_load((kGolden + name + ".png").c_str(), &width, &height, &channels, 3);
  REQUIRE_MESSAGE(pixels != nullptr, name);
  const Tensor image = Tensor::empty<uint8_t>({height, width, 3}, "test");
  std::memcpy(image.raw(), pixels, image.bytes());
  stbi_image_free(pixels);
  return image;
}

std::vector<std::string> all_levels(const Backbone& b) {
  std::vector<std::string> names;
  for (const BackboneLevel& level : b.levels()) names.push_back(level.name);
  return names;
}

bool same_bits(const std::vector<FeatureMap>& a, const std::vector<FeatureMap>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].rows.shape() != b[i].rows.shape()) return false;
    if (std::memcmp(a[i].rows.raw(), b[i].rows.raw(), a[i].rows.bytes()) != 0) return false;
  }
  return true;
}

TEST_CASE("every level equals the reference's to 1e-4 of its norm, for even, odd and smallest images") {
  const auto b = backbone();
  const auto workspace = b->make_workspace();
  REQUIRE(golden()["cases"].size() == 3);
  for (const auto& c : golden()["cases"]) {
    const Tensor image = pattern(c["height"], c["width"]);
    const std::vector<FeatureMap> maps = b->forward(image, all_levels(*b), *workspace);
    REQUIRE(c["levels"].size() == maps.size());
    for (size_t i = 0; i < maps.size(); ++i) {
      const BackboneLevel& level = b->levels()[i];
      const auto& expected = c["levels"][level.name];
      CAPTURE(level.name);
      CAPTURE(to_string(image.shape()));
      CHECK(Shape{maps[i].height, maps[i].width, level.channels} == expected["shape"].get<Shape>());
      CHECK(maps[i].rows.shape() == Shape{maps[i].height * maps[i].width, level.channels});
      CHECK(maps[i].height == (image.dim(0) + level.stride - 1) / level.stride);
      const float* got = maps[i].rows.data<float>();
      double square = 0;
      for (int64_t j = 0; j < maps[i].rows.size(); ++j) square += static_cast<double>(got[j]) * got[j];
      const double norm = expected["norm"];
      CHECK(std::abs(std::sqrt(square) - norm) <= 1e-5 * norm);
      const double typical = norm / std::sqrt(static_cast<double>(maps[i].rows.size()));
      for (size_t s = 0; s < expected["at"].size(); ++s) {
        const double value = expected["values"][s];
        CHECK(std::abs(got[expected["at"][s].get<int64_t>()] - value) <= 1e-4 * typical);
      }
    }
  }
}

// Head, pooling and the fully connected layer, in double.
std::vector<double> classify(const FeatureMap& map, const io::SafetensorsReader& weights) {
  const auto read = [&](const char* name) { return weights.read(name, "test").value(); };
  const Tensor head_weight = ops::to_float32(read("head.weight"));  // (1280, 320, 1, 1)
  const Tensor head_bias = read("head.bias");
  const int64_t channels = head_weight.dim(0);
  const int64_t inner = head_weight.dim(1);
  const int64_t cells = map.rows.dim(0);
  std::vector<double> pooled(channels, 0);
  for (int64_t c = 0; c < channels; ++c) {
    const float* w = head_weight.data<float>() + c * inner;
    for (int64_t p = 0; p < cells; ++p) {
      const float* x = map.rows.data<float>() + p * inner;
      double sum = head_bias.data<float>()[c];
      for (int64_t i = 0; i < inner; ++i) sum += static_cast<double>(w[i]) * x[i];
      pooled[c] += std::clamp(sum, 0.0, 6.0) / static_cast<double>(cells);
    }
  }
  const Tensor weight = read("fc.weight");  // (1000, 1280) uint8
  const Tensor scale = read("fc.scale");
  const Tensor bias = read("fc.bias");
  std::vector<double> logits;
  for (int64_t k = 0; k < weight.dim(0); ++k) {
    const uint8_t* w = weight.data<uint8_t>() + k * channels;
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += (w[c] - 128) * pooled[c];
    logits.push_back(sum * scale.data<float>()[k] + bias.data<float>()[k]);
  }
  return logits;
}

TEST_CASE("photographs are recognised, with the reference's logits to 1e-3") {
  const auto b = backbone();
  const auto workspace = b->make_workspace();
  const io::SafetensorsReader weights =
      io::SafetensorsReader::open("models/weights/efficientnet_lite0_classifier.safetensors").value();
  REQUIRE(golden()["photographs"].size() == 4);
  for (const auto& p : golden()["photographs"]) {
    CAPTURE(p["name"].get<std::string>());
    const FeatureMap map = b->forward(photograph(p["name"]), {"block15"}, *workspace)[0];
    const std::vector<double> logits = classify(map, weights);
    const auto expected = p["logits"].get<std::vector<double>>();
    REQUIRE(logits.size() == expected.size());
    double worst = 0;
    for (size_t k = 0; k < logits.size(); ++k) worst = std::max(worst, std::abs(logits[k] - expected[k]));
    CHECK(worst <= 1e-3);
    const auto classes = p["classes"].get<std::vector<int>>();
    CHECK(std::any_of(classes.begin(), classes.end(), [&](int right) {
      return std::count_if(logits.begin(), logits.end(), [&](double v) { return v > logits[right]; }) < 5;
    }));
  }
}

TEST_CASE("results are the same bits for any number of threads, any mix of sizes, and a used workspace") {
  const auto b = backbone();
  const std::vector<std::string> levels = {"block4", "block10"};
  const std::vector<Tensor> images = {pattern(64, 96), pattern(75, 53),  pattern(32, 32), pattern(64, 96),
                                      pattern(97, 64), pattern(100, 33), pattern(75, 53), pattern(64, 64)};
  std::vector<std::vector<FeatureMap>> expected;
  for (const Tensor& image : images) {
    const auto workspace = b->make_workspace();
    expected.push_back(b->forward(image, levels, *workspace));
  }
  for (const int threads : {1, 2, 4}) {
    CAPTURE(threads);
    set_num_threads(threads);
    std::vector<std::vector<FeatureMap>> got(images.size());
    parallel_for(static_cast<int64_t>(images.size()), 3, [&](int64_t begin, int64_t end) {
      const auto workspace = b->make_workspace();
      for (int64_t i = begin; i < end; ++i) got[i] = b->forward(images[i], levels, *workspace);
    });
    for (size_t i = 0; i < images.size(); ++i) CHECK(same_bits(got[i], expected[i]));
  }
  // Threads that OpenMP did not make, all of them compiling at the same time.
  const auto fresh = backbone();
  std::vector<std::vector<FeatureMap>> got(images.size());
  std::vector<std::thread> pool;
  for (size_t i = 0; i < images.size(); ++i) {
    pool.emplace_back([&, i] {
      const auto workspace = fresh->make_workspace();
      got[i] = fresh->forward(images[i], levels, *workspace);
    });
  }
  for (auto& t : pool) t.join();
  for (size_t i = 0; i < images.size(); ++i) CHECK(same_bits(got[i], expected[i]));
}

TEST_CASE("levels come in the order of the request and do not depend on which others are asked for") {
  const auto b = backbone();
  const auto workspace = b->make_workspace();
  const Tensor image = pattern(75, 53);
  const std::vector<FeatureMap> pair = b->forward(image, {"block10", "block2"}, *workspace);
  CHECK(pair[0].rows.dim(1) == 112);
  CHECK(pair[1].rows.dim(1) == 24);
  const std::vector<FeatureMap> all = b->forward(image, all_levels(*b), *workspace);
  CHECK(same_bits({pair[0]}, {all[b->level_index("block10")]}));
  CHECK(same_bits({pair[1]}, {all[b->level_index("block2")]}));
  // Maps are the caller's: a later call leaves them alone.
  const Tensor before = pair[0].rows.clone("test");
  (void)b->forward(pattern(64, 64), {"block10"}, *workspace);
  CHECK(std::memcmp(before.raw(), pair[0].rows.raw(), before.bytes()) == 0);
}

TEST_CASE("small images, unknown and repeated levels and foreign workspaces are refused by name") {
  const auto b = backbone();
  const auto workspace = b->make_workspace();
  CHECK_THROWS_WITH(b->forward(pattern(31, 64), {"stem"}, *workspace),
                    "efficientnet_lite0: image of shape (31, 64, 3), expected (H, W, 3) with H and W at least 32");
  CHECK_THROWS_WITH_AS(b->forward(pattern(32, 32), {"layer3"}, *workspace),
                       doctest::Contains("backbone efficientnet_lite0 has no level layer3; its levels are stem, block0,"
                                         " block1.expand, block1,"),
                       Error);
  CHECK_THROWS_WITH(b->forward(pattern(32, 32), {"block2", "block2"}, *workspace),
                    "efficientnet_lite0: level block2 asked for twice");
  CHECK_THROWS_WITH(b->forward(pattern(32, 32), {}, *workspace), "conv_graph: no taps");
  CHECK_THROWS_AS(b->forward(Tensor::zeros<float>({32, 32, 3}, "test"), {"stem"}, *workspace), Error);
  CHECK_THROWS_AS(b->forward(Tensor::zeros<uint8_t>({32, 32, 1}, "test"), {"stem"}, *workspace), Error);
  BackboneWorkspace foreign;
  CHECK_THROWS_WITH(b->forward(pattern(32, 32), {"stem"}, foreign),
                    "efficientnet_lite0: the workspace was made by another backbone");
  CHECK(make_backbone("efficientnet_b9").message() ==
        "backbone efficientnet_b9: unknown, expected one of: efficientnet_lite0, resnet18, resnet50, "
        "wide_resnet50_2, dinov2_reg_vit_s14, dinov2_reg_vit_b14, dinov2_reg_vit_l14");
}

TEST_CASE("weights that are not this network's are refused by name") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "weights";
  const auto error = [&](const std::vector<std::pair<std::string, Tensor>>& tensors) {
    REQUIRE(io::write_safetensors(path, tensors).ok());
    return make_efficientnet_lite0(io::SafetensorsReader::open(path).value()).message();
  };
  CHECK(error({}) == path + ": no tensor \"stem.weight\" among its 0");
  CHECK(error({{"stem.weight", Tensor::zeros<float>({32, 3, 5, 5}, "test")}}) ==
        path + ": tensor \"stem.weight\" is F32 (32, 3, 5, 5), expected F32 (32, 3, 3, 3)");
  CHECK(error({{"stem.weight", Tensor::zeros<uint8_t>({32, 3, 3, 3}, "test")}}) ==
        path + ": tensor \"stem.weight\" is U8 (32, 3, 3, 3), expected F32 (32, 3, 3, 3)");

  const io::SafetensorsReader built_in =
      io::SafetensorsReader::from_memory(embedded_efficientnet_lite0(), "built in").value();
  CHECK(built_in.metadata().at("source_sha256") == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db");
  std::vector<std::pair<std::string, Tensor>> more;
  for (const auto& entry : built_in.entries()) more.push_back({entry.name, built_in.read(entry.name, "test").value()});
  CHECK(error(more).empty());
  more.push_back({"extra", Tensor::zeros<float>({1}, "test")});
  CHECK(error(more) == "efficientnet_lite0: the weights hold 97 tensors, expected 96");
}

}  // namespace
}  // namespace assay::models
