// SPDX-License-Identifier: Apache-2.0
// Vision transformers against PyTorch (tests/golden/make_vit.py). The shape is read off the weights, so the same test
// holds a network of full size against PyTorch: run it in a folder whose tests/golden/vit holds one.
#include "models/backbones/vit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/io/pytorch_file.h"
#include "engine/io/safetensors.h"
#include "kernels/base/parallel.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using testing::on_host;
using testing::on_test_device;
using testing::test_device;

const std::string kFolder = "tests/golden/vit/";

io::SafetensorsReader open(const std::string& name) {
  return std::move(io::SafetensorsReader::open(kFolder + name)).value();
}

NamedTensors weights() {
  const io::SafetensorsReader reader = open("weights.safetensors");
  NamedTensors tensors;
  for (const auto& entry : reader.entries()) tensors.push_back({entry.name, reader.read(entry.name, "test").value()});
  return tensors;
}

VitShape shape_of(const NamedTensors& tensors) {
  VitShape shape = {0, 0, 0};
  for (const auto& [name, t] : tensors) {
    if (name == "cls_token") shape.width = t.dim(2);
    if (name == "pos_embed") shape.trained_grid = std::lround(std::sqrt(static_cast<double>(t.dim(1) - 1)));
    if (name == "patch_embed.proj.weight") shape.patch = t.dim(2);
    if (name.find(".ls2.gamma") != std::string::npos) ++shape.depth;
  }
  shape.heads = shape.width < 64 ? 2 : shape.width / 64;
  return shape;
}

std::unique_ptr<VitBackbone> golden_vit() {
  const NamedTensors tensors = weights();
  return std::move(make_vit("small", shape_of(tensors), tensors, test_device())).value();
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = on_host(a), y = on_host(b);
  return x.size() == y.size() && std::memcmp(x.raw(), y.raw(), x.bytes()) == 0;
}

// What the blocks give.
std::vector<std::string> all_layers(const Backbone& backbone) {
  std::vector<std::string> names;
  for (const BackboneLevel& level : backbone.levels()) {
    if (level.name != "norm") names.push_back(level.name);
  }
  return names;
}

// Images of the golden file with their names, "5x5".
std::vector<std::pair<std::string, Tensor>> images() {
  const io::SafetensorsReader expected = open("expected.safetensors");
  std::vector<std::pair<std::string, Tensor>> all;
  for (const auto& entry : expected.entries()) {
    const size_t dot = entry.name.find(".image");
    if (dot != std::string::npos) {
      all.push_back({entry.name.substr(0, dot), on_test_device(expected.read(entry.name, "test").value())});
    }
  }
  return all;
}

// Largest difference as a share of the largest value.
double difference(const Tensor& got, const Tensor& expected) {
  const Tensor x = on_host(got);
  double off = 0, size = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    off = std::fmax(off, std::fabs(static_cast<double>(x.data<float>()[i]) - expected.data<float>()[i]));
    size = std::fmax(size, std::fabs(static_cast<double>(expected.data<float>()[i])));
    if (std::isnan(x.data<float>()[i])) return INFINITY;
  }
  return off / size;
}

TEST_CASE("all tokens of every block equal PyTorch's at several sizes, the trained and non-square ones among them") {
  const auto vit = golden_vit();
  const auto workspace = vit->make_workspace();
  const io::SafetensorsReader expected = open("expected.safetensors");
  REQUIRE(images().size() >= 2);
  double worst = 0;
  for (const auto& [name, image] : images()) {
    const std::vector<Tensor> got = vit->forward_tokens(image, all_layers(*vit), *workspace);
    for (size_t i = 0; i < got.size(); ++i) {
      CAPTURE(name);
      CAPTURE(i);
      const Tensor tokens = expected.read(name + ".layer" + std::to_string(i), "test").value();
      REQUIRE(got[i].shape() == tokens.shape());
      const double off = difference(got[i], tokens);
      CHECK(off <= 1e-5);  // issue 4 asks for 1e-4
      worst = std::fmax(worst, off);
    }
  }
  MESSAGE("largest difference, relative to the largest value: " << worst);
}

TEST_CASE("weights of a .pth and of a .safetensors file are the same network") {
  const io::PytorchReader pth = std::move(io::PytorchReader::open(kFolder + "weights.pth")).value();
  NamedTensors tensors;
  for (const auto& entry : pth.entries()) tensors.push_back({entry.name, pth.read(entry.name, "test").value()});
  const auto vit = std::move(make_vit("small", shape_of(tensors), tensors, test_device())).value();
  const auto other = golden_vit();
  const Tensor image = images()[0].second;
  const auto workspace = vit->make_workspace(), other_workspace = other->make_workspace();
  CHECK(same_bits(vit->forward_tokens(image, {"layer2"}, *workspace)[0],
                  other->forward_tokens(image, {"layer2"}, *other_workspace)[0]));
}

TEST_CASE("maps are the tokens of the patches, in the order of the request, whatever else is asked for") {
  const auto vit = golden_vit();
  const auto workspace = vit->make_workspace();
  for (const auto& [name, image] : images()) {
    CAPTURE(name);
    const std::vector<Tensor> tokens = vit->forward_tokens(image, all_layers(*vit), *workspace);
    const std::vector<FeatureMap> maps = vit->forward(image, {"layer2", "layer0"}, *workspace);
    const int64_t prefix = vit->num_prefix_tokens();
    CHECK(prefix == 5);
    for (size_t m = 0; m < 2; ++m) {
      const Tensor& all = tokens[m == 0 ? 2 : 0];
      CHECK(maps[m].height * maps[m].width == all.dim(1) - prefix);
      CHECK(maps[m].height == image.dim(0) / vit->levels()[0].stride);
      const Tensor rows = all.reshape({all.dim(1), all.dim(2)}).rows(prefix, all.dim(1));
      CHECK(maps[m].rows.shape() == rows.shape());
      CHECK(same_bits(maps[m].rows, rows));
      CHECK(same_bits(maps[m].prefix, all.reshape({all.dim(1), all.dim(2)}).rows(0, prefix)));
    }
  }
}

TEST_CASE("an image of a batch gives the bits that it gives alone, for any number of threads") {
  const auto vit = golden_vit();
  const auto workspace = vit->make_workspace();
  const Tensor image = on_host(images()[0].second);
  const Tensor batch = Tensor::empty<uint8_t>({3, image.dim(0), image.dim(1), 3}, "test");
  for (int64_t i = 0; i < batch.size(); ++i) {
    batch.data<uint8_t>()[i] = static_cast<uint8_t>(image.data<uint8_t>()[i % image.size()] + i / image.size() * 50);
  }
  const int before = num_threads();
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    const Tensor together = vit->forward_tokens(on_test_device(batch), {"layer2"}, *workspace)[0];
    const FeatureMap map = vit->forward(on_test_device(batch), {"layer2"}, *workspace)[0];
    const int64_t cells = map.height * map.width;
    for (int64_t b = 0; b < 3; ++b) {
      const Tensor one = on_test_device(batch.rows(b, b + 1).reshape(image.shape()));
      CHECK(same_bits(together.rows(b, b + 1), vit->forward_tokens(one, {"layer2"}, *workspace)[0]));
      const FeatureMap alone = vit->forward(one, {"layer2"}, *workspace)[0];
      CHECK(same_bits(map.rows.rows(b * cells, (b + 1) * cells), alone.rows));
      CHECK(same_bits(map.prefix.rows(b * 5, (b + 1) * 5), alone.prefix));
    }
  }
  set_num_threads(before);
}

TEST_CASE("the level norm is the last block's under the final norm, where the weights have one") {
  NamedTensors tensors = weights();
  const VitShape shape = shape_of(tensors);
  const std::string last = "layer" + std::to_string(shape.depth - 1);
  std::vector<float> gamma, beta;
  for (int64_t c = 0; c < shape.width; ++c) {
    gamma.push_back(1 + 0.1f * static_cast<float>(c % 7));
    beta.push_back(0.2f * static_cast<float>(c % 5) - 0.3f);
  }
  for (auto& [name, tensor] : tensors) {
    if (name == "norm.weight") tensor = on_host(testing::tensor_of<float>({shape.width}, gamma));
    if (name == "norm.bias") tensor = on_host(testing::tensor_of<float>({shape.width}, beta));
  }
  const auto vit = std::move(make_vit("small", shape, tensors, test_device())).value();
  const auto workspace = vit->make_workspace();
  const std::vector<Tensor> tokens = vit->forward_tokens(images()[0].second, {"norm", last}, *workspace);
  Tensor expected = on_host(tokens[1]).clone("test");
  for (float* row = expected.data<float>(); row < expected.data<float>() + expected.size(); row += shape.width) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < shape.width; ++c) mean += row[c] / static_cast<double>(shape.width);
    for (int64_t c = 0; c < shape.width; ++c) {
      variance += (row[c] - mean) * (row[c] - mean) / static_cast<double>(shape.width);
    }
    for (int64_t c = 0; c < shape.width; ++c) {
      const size_t i = static_cast<size_t>(c);
      row[c] = static_cast<float>((row[c] - mean) / std::sqrt(variance + 1e-6) * gamma[i] + beta[i]);
    }
  }
  CHECK(difference(tokens[0], expected) <= 1e-6);  // a few roundings of float32
  CHECK(same_bits(tokens[1],
                  golden_vit()->forward_tokens(images()[0].second, {last}, *golden_vit()->make_workspace())[0]));

  NamedTensors without;
  for (const auto& named : tensors) {
    if (named.first.rfind("norm.", 0) != 0) without.push_back(named);
  }
  const auto bare = std::move(make_vit("small", shape, without, test_device())).value();
  CHECK(bare->levels().back().name == last);
  CHECK_THROWS_AS(bare->level_index("norm"), Error);
}

TEST_CASE("images, levels, workspaces and weights that do not fit are refused by name") {
  const auto vit = golden_vit();
  const auto workspace = vit->make_workspace();
  const auto zeros = [](const Shape& shape) { return Tensor::zeros<uint8_t>(shape, "test", test_device()); };
  CHECK_THROWS_WITH(vit->forward(zeros({12, 13, 3}), {"layer0"}, *workspace),
                    "small: image of shape (12, 13, 3), expected (H, W, 3) of uint8 with H and W multiples of 6");
  CHECK_THROWS_AS(vit->forward(zeros({0, 12, 3}), {"layer0"}, *workspace), Error);
  CHECK_THROWS_AS(vit->forward(zeros({12, 12, 4}), {"layer0"}, *workspace), Error);
  CHECK_THROWS_WITH(vit->forward(zeros({12, 12, 3}), {}, *workspace), "small: no level is asked for");
  CHECK_THROWS_WITH(vit->forward(zeros({12, 12, 3}), {"layer1", "layer1"}, *workspace),
                    "small: level layer1 asked for twice");
  CHECK_THROWS_WITH_AS(vit->forward(zeros({12, 12, 3}), {"block1"}, *workspace),
                       doctest::Contains("its levels are layer0, layer1, layer2, norm"), Error);
  BackboneWorkspace foreign;
  CHECK_THROWS_WITH(vit->forward(zeros({12, 12, 3}), {"layer0"}, foreign),
                    "small: the workspace was made by another backbone");

  NamedTensors tensors = weights();
  const VitShape shape = shape_of(tensors);
  for (auto& [name, tensor] : tensors) {
    if (name == "blocks.1.mlp.fc1.bias") name = "blocks.1.mlp.fc1.beta";
    if (name == "pos_embed") tensor = Tensor::zeros<float>({1, 10, 16}, "test");
  }
  CHECK(make_vit("small", shape, tensors, test_device()).message() ==
        "small: 1 missing: blocks.1.mlp.fc1.bias; 1 unexpected: blocks.1.mlp.fc1.beta (64); 1 of the wrong shape: "
        "pos_embed (1, 10, 16), expected (1, 26, 16)");
}

}  // namespace
}  // namespace assay::models
