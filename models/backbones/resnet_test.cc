// SPDX-License-Identifier: Apache-2.0
// Residual networks against PyTorch (tests/golden/make_resnet.py). Networks of torchvision's size are held against it
// by the same test: run it in a folder whose tests/golden/resnet holds them.
#include "models/backbones/resnet.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "engine/io/safetensors.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using testing::on_host;
using testing::on_test_device;
using testing::test_device;

const std::string kFolder = "tests/golden/resnet/";
const std::vector<std::string> kLevels = {"layer1", "layer2", "layer3", "layer4"};

struct Golden {
  std::string name;
  ResnetShape shape;
};
const std::vector<Golden> kSmall = {{"basic", {false, {2, 1, 1, 1}, 1, 4}}, {"wide", {true, {1, 2, 1, 1}, 2, 2}}};
const std::vector<Golden> kWhole = {
    {"resnet18", kResnet18}, {"resnet50", kResnet50}, {"wide_resnet50_2", kWideResnet50}};

io::SafetensorsReader open(const std::string& name) {
  return std::move(io::SafetensorsReader::open(kFolder + name + ".safetensors")).value();
}

NamedTensors weights(const std::string& name) {
  const io::SafetensorsReader reader = open(name);
  NamedTensors tensors;
  for (const auto& entry : reader.entries()) tensors.push_back({entry.name, reader.read(entry.name, "test").value()});
  return tensors;
}

std::unique_ptr<Backbone> make(const Golden& golden) {
  return std::move(make_resnet(golden.name, golden.shape, weights(golden.name), test_device())).value();
}

// Of the golden files that are there; the committed ones always are, or those of whole networks in their place.
std::vector<Golden> present() {
  std::vector<Golden> all;
  for (const auto& list : {kSmall, kWhole}) {
    for (const Golden& golden : list) {
      if (std::ifstream(kFolder + golden.name + ".safetensors")) all.push_back(golden);
    }
  }
  return all;
}

double difference(const Tensor& got, const Tensor& expected) {
  const Tensor x = on_host(got);
  double off = 0, size = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    if (std::isnan(x.data<float>()[i])) return INFINITY;
    off = std::fmax(off, std::fabs(static_cast<double>(x.data<float>()[i]) - expected.data<float>()[i]));
    size = std::fmax(size, std::fabs(static_cast<double>(expected.data<float>()[i])));
  }
  return off / size;
}

TEST_CASE("every stage equals PyTorch's at several sizes, odd and non-square ones among them") {
  REQUIRE_FALSE(present().empty());
  for (const Golden& golden : present()) {
    const auto backbone = make(golden);
    const auto workspace = backbone->make_workspace();
    const io::SafetensorsReader expected = open(golden.name + ".expected");
    double worst = 0;
    int images = 0;
    for (const auto& entry : expected.entries()) {
      const size_t dot = entry.name.find(".image");
      if (dot == std::string::npos) continue;
      ++images;
      const Tensor image = on_test_device(expected.read(entry.name, "test").value());
      const std::vector<FeatureMap> maps = backbone->forward(image, kLevels, *workspace);
      for (size_t i = 0; i < kLevels.size(); ++i) {
        CAPTURE(golden.name);
        CAPTURE(entry.name);
        CAPTURE(i);
        const Tensor map = expected.read(entry.name.substr(0, dot + 1) + kLevels[i], "test").value();
        REQUIRE(maps[i].rows.shape() == map.shape());
        CHECK(maps[i].height * maps[i].width == map.dim(0));
        CHECK(backbone->levels()[i].channels == map.dim(1));
        const double off = difference(maps[i].rows, map);
        CHECK(off <= 1e-5);  // issue 4 asks for 1e-4
        worst = std::fmax(worst, off);
      }
    }
    CHECK(images >= 2);
    MESSAGE(golden.name << ": largest difference, relative to the largest value: " << worst);
  }
}

TEST_CASE("levels come in the order of the request, and a batch gives what its images give") {
  const Golden golden = present()[0];
  const auto backbone = make(golden);
  const auto workspace = backbone->make_workspace();
  const Tensor images = Tensor::empty<uint8_t>({2, 33, 40, 3}, "test");
  for (int64_t i = 0; i < images.size(); ++i) images.data<uint8_t>()[i] = static_cast<uint8_t>(i * i >> 5);
  const std::vector<FeatureMap> both = backbone->forward(on_test_device(images), {"layer3", "layer2"}, *workspace);
  for (int64_t b = 0; b < 2; ++b) {
    const Tensor image = on_test_device(images.rows(b, b + 1).reshape({33, 40, 3}));
    const std::vector<FeatureMap> all = backbone->forward(image, kLevels, *workspace);
    for (size_t m = 0; m < 2; ++m) {
      const Tensor alone = on_host(all[m == 0 ? 2 : 1].rows), rows = on_host(both[m].rows);
      REQUIRE(rows.dim(0) == 2 * alone.dim(0));
      CHECK(std::memcmp(rows.rows(b * alone.dim(0), (b + 1) * alone.dim(0)).raw(), alone.raw(), alone.bytes()) == 0);
    }
  }
}

TEST_CASE("images, levels, workspaces and weights that do not fit are refused by name") {
  const auto backbone = make(kSmall[0]);
  const auto workspace = backbone->make_workspace();
  const auto zeros = [](const Shape& shape) { return Tensor::zeros<uint8_t>(shape, "test", test_device()); };
  CHECK_THROWS_WITH(backbone->forward(zeros({31, 32, 3}), {"layer1"}, *workspace),
                    "basic: image of shape (31, 32, 3), expected (H, W, 3) with H and W at least 32");
  CHECK_THROWS_WITH(backbone->forward(zeros({32, 32, 3}), {"layer1", "layer1"}, *workspace),
                    "basic: level layer1 asked for twice");
  CHECK_THROWS_WITH_AS(backbone->forward(zeros({32, 32, 3}), {"layer5"}, *workspace),
                       doctest::Contains("its levels are layer1, layer2, layer3, layer4"), Error);
  BackboneWorkspace foreign;
  CHECK_THROWS_WITH(backbone->forward(zeros({32, 32, 3}), {"layer1"}, foreign),
                    "basic: the workspace was made by another backbone");

  const auto error = [](const auto& change) {
    NamedTensors tensors = weights("basic");
    for (auto& [name, tensor] : tensors) change(name, tensor);
    return make_resnet("basic", kSmall[0].shape, tensors, test_device()).message();
  };
  CHECK(error([](std::string&, Tensor&) {}).empty());
  CHECK(error([](std::string& name, Tensor&) {
          if (name == "bn1.bias") name = "bn1.beta";
        }) == "basic: 1 missing: bn1.bias; 1 unexpected: bn1.beta (4)");
  CHECK(error([](std::string& name, Tensor& tensor) {
          if (name == "layer1.0.bn2.running_var") tensor.data<float>()[1] = -1;
        }) == "basic: layer1.0.bn2.running_var: element 1 is -1, expected at least 0");
}

}  // namespace
}  // namespace assay::models
