// SPDX-License-Identifier: Apache-2.0
#include "engine/conv_graph/conv_graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <random>
#include <thread>

#include "engine/conv_graph/conv_graph_ref.h"
#include "engine/memory/storage.h"
#include "kernels/base/check.h"
#include "tests/support/test_device.h"

namespace assay::conv_graph {
namespace {

const ImageScale kScale = {{127, 100, 90.5f}, {128, 60, 70}};

Tensor random_tensor(const Shape& shape, float scale, std::mt19937& random) {
  const Tensor t = Tensor::empty<float>(shape, "test");
  std::normal_distribution<float> normal(0, scale);
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = normal(random);
  return t;
}

Tensor random_image(int64_t height, int64_t width, std::mt19937& random) {
  const Tensor t = Tensor::empty<uint8_t>({height, width, 3}, "test");
  for (int64_t i = 0; i < t.size(); ++i) t.data<uint8_t>()[i] = static_cast<uint8_t>(random());
  return t;
}

// Builds nodes by their shapes.
struct Builder {
  std::vector<ConvNode> nodes;
  std::mt19937 random{7};

  int conv(int input, int64_t channels, int64_t kernel, int64_t stride, Activation activation,
           int residual = kConvNoResidual) {
    return add(input, channels, kernel, stride, activation, residual, /*depthwise=*/false);
  }
  int depthwise(int input, int64_t kernel, int64_t stride) {
    return add(input, nodes[input].weight.dim(0), kernel, stride, Activation::kRelu6, kConvNoResidual,
               /*depthwise=*/true);
  }
  int symmetric(int input, int64_t channels, int64_t kernel, int64_t stride, Activation activation,
                int residual = kConvNoResidual) {
    const int node = conv(input, channels, kernel, stride, activation, residual);
    nodes[node].padding = Padding::kSymmetric;
    return node;
  }
  int max_pool(int input, int64_t side, int64_t stride) {
    ConvNode n;
    n.name = "node" + std::to_string(nodes.size());
    n.input = input;
    n.stride = stride;
    n.padding = Padding::kSymmetric;
    n.kind = NodeKind::kMaxPool;
    n.pool_side = side;
    nodes.push_back(n);
    return static_cast<int>(nodes.size()) - 1;
  }

 private:
  int64_t channels_of(int node) const {
    if (node == kConvImage) return 3;
    return nodes[node].kind == NodeKind::kMaxPool ? channels_of(nodes[node].input) : nodes[node].weight.dim(0);
  }
  int add(int input, int64_t channels, int64_t kernel, int64_t stride, Activation activation, int residual,
          bool depthwise) {
    const int64_t in = depthwise ? 1 : channels_of(input);
    ConvNode n;
    n.name = "node" + std::to_string(nodes.size());
    n.input = input;
    n.residual = residual;
    n.stride = stride;
    n.depthwise = depthwise;
    n.activation = activation;
    n.weight = random_tensor({channels, in, kernel, kernel}, 1.5f / std::sqrt(static_cast<float>(in * kernel * kernel)),
                             random);
    n.bias = random_tensor({channels}, 1, random);
    nodes.push_back(n);
    return static_cast<int>(nodes.size()) - 1;
  }
};

// Inverted residual blocks with channel counts that no vector divides, both strides and kernels 1, 3, 5 and 4.
Builder odd_network() {
  Builder b;
  const int stem = b.conv(kConvImage, 17, 3, 2, Activation::kRelu6);
  const int first = b.conv(b.depthwise(stem, 3, 1), 9, 1, 1, Activation::kNone);
  const int expand = b.conv(first, 54, 1, 1, Activation::kRelu6);
  const int sum = b.conv(b.depthwise(expand, 5, 1), 9, 1, 1, Activation::kNone, first);
  const int down = b.conv(b.depthwise(sum, 5, 2), 24, 1, 1, Activation::kNone);
  const int side = b.conv(sum, 24, 4, 2, Activation::kRelu6);
  b.conv(side, 24, 3, 1, Activation::kRelu6, down);
  b.conv(8, 33, 3, 3, Activation::kNone);
  return b;
}

// A residual network's stem and blocks, with and without projection: ReLU, symmetric padding, maximum pools.
Builder residual_network(int64_t narrow_channels = 9, int64_t wide_channels = 21) {
  Builder b;
  const int stem = b.symmetric(kConvImage, 16, 7, 2, Activation::kRelu);
  const int pooled = b.max_pool(stem, 3, 2);
  const int inside = b.symmetric(pooled, 16, 3, 1, Activation::kRelu);
  const int block = b.symmetric(inside, 16, 3, 1, Activation::kRelu, pooled);
  const int shortcut = b.symmetric(block, wide_channels, 1, 2, Activation::kNone);
  const int narrow = b.symmetric(block, narrow_channels, 1, 1, Activation::kRelu);
  const int strided = b.symmetric(narrow, narrow_channels, 3, 2, Activation::kRelu);
  const int last = b.symmetric(strided, wide_channels, 1, 1, Activation::kRelu, shortcut);
  b.max_pool(b.max_pool(last, 1, 2), 5, 1);
  return b;
}

std::vector<int> all(const ConvGraph& graph) {
  std::vector<int> taps;
  for (int i = 0; i < graph.num_nodes(); ++i) taps.push_back(i);
  return taps;
}

// On the graph's device, with maps that hold NaN before; brought back to be looked at.
std::vector<Tensor> run(const ConvGraph& graph, const Tensor& images, const std::vector<int>& taps,
                        ConvWorkspace& workspace) {
  const bool is_batch = images.rank() == 4;
  std::vector<Tensor> maps;
  for (const int tap : taps) {
    Shape shape = graph.output_shape(tap, images.dim(is_batch), images.dim(is_batch + 1));
    if (is_batch) shape.insert(shape.begin(), images.dim(0));
    const Tensor map = Tensor::empty<float>(shape, "test");
    std::fill_n(map.data<float>(), map.size(), NAN);
    maps.push_back(map.to(graph.device(), "test"));
  }
  graph.forward(images.to(graph.device(), "test"), taps, maps, workspace);
  for (Tensor& map : maps) map = testing::on_host(map);
  return maps;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

TEST_CASE("every node equals the double reference for sizes from one pixel up, odd channels and both paddings") {
  const std::vector<std::pair<int64_t, int64_t>> sizes = {{1, 1}, {2, 1}, {3, 7}, {8, 8}, {9, 16}, {31, 33}, {64, 40}};
  for (const bool is_residual : {false, true}) {
    CAPTURE(is_residual);
    const Builder b = is_residual ? residual_network() : odd_network();
    const ConvGraph graph(b.nodes, kScale, testing::test_device());
    ConvWorkspace workspace;
    std::mt19937 random(3);
    for (const auto& [height, width] : sizes) {
      const Tensor image = random_image(height, width, random);
      const Tensor before = image.clone("test");
      const std::vector<Tensor> got = run(graph, image, all(graph), workspace);
      const std::vector<ref::Map> expected = ref::forward(b.nodes, kScale, image);
      for (int node = 0; node < graph.num_nodes(); ++node) {
        CAPTURE(node);
        CAPTURE(to_string(image.shape()));
        const ref::Map& e = expected[node];
        CHECK(got[node].shape() == Shape{e.height, e.width, e.channels});
        // Rounding of this node's sum, and of its inputs, which went through at most `node` nodes before.
        const double c = 4.0 * (node + 1) * FLT_EPSILON;
        double largest = 0;
        for (const double m : e.magnitude) largest = std::max(largest, m);
        int64_t wrong = 0;
        for (int64_t i = 0; i < got[node].size(); ++i) {
          wrong += !(std::abs(got[node].data<float>()[i] - e.value[i]) <= c * largest);
        }
        CHECK(wrong == 0);
      }
      CHECK(same_bits(image.reshape({image.size()}), before.reshape({image.size()})));
    }
  }
}

TEST_CASE("taps alone decide what runs, and do not change each other's values") {
  const ConvGraph graph(odd_network().nodes, kScale, testing::test_device());
  ConvWorkspace workspace;
  std::mt19937 random(4);
  const Tensor image = random_image(37, 22, random);
  const std::vector<Tensor> expected = run(graph, image, all(graph), workspace);
  for (int node = 0; node < graph.num_nodes(); ++node) {
    CHECK(same_bits(run(graph, image, {node}, workspace)[0], expected[node]));
  }
  const std::vector<Tensor> some = run(graph, image, {1, 2, 8}, workspace);
  CHECK(same_bits(some[1], expected[2]));
  CHECK(same_bits(some[2], expected[8]));
  CHECK(graph.describe(37, 22, {0}).size() == 2);  // a convolution and the copy of the tap
  CHECK(graph.describe(37, 22, {4}).size() == 6);
}

TEST_CASE("only taps are converted to another layout, and no reference implementation is used") {
  if (testing::on_cuda()) return;  // about oneDNN's choices
  Builder b;                       // channels as in real networks
  const int stem = b.conv(kConvImage, 32, 3, 2, Activation::kRelu6);
  const int first = b.conv(b.depthwise(stem, 3, 1), 24, 1, 1, Activation::kNone);
  const int expand = b.conv(first, 144, 1, 1, Activation::kRelu6);
  const int sum = b.conv(b.depthwise(expand, 5, 1), 24, 1, 1, Activation::kNone, first);
  const int last = b.conv(b.depthwise(sum, 5, 2), 40, 1, 1, Activation::kNone);
  const ConvGraph graph(b.nodes, kScale, testing::test_device());
  int convolutions = 0;
  int reorders = 0;
  for (const std::string& line : graph.describe(97, 64, {sum, last})) {
    CAPTURE(line);
    CHECK(line.find("ref") == std::string::npos);
    convolutions += line.find(": convolution, ") != std::string::npos;
    reorders += line.find(": reorder, ") != std::string::npos;
  }
  CHECK(convolutions == graph.num_nodes());
  CHECK(reorders == 2);
}

TEST_CASE("packed weights are shared between image sizes, and buffers between nodes") {
  const ConvGraph graph(odd_network().nodes, kScale, testing::test_device());
  ConvWorkspace workspace;
  std::mt19937 random(5);
  (void)run(graph, random_image(32, 32, random), {9}, workspace);
  const int64_t weights = memory_usage(testing::test_device())["conv_graph weights"].live_bytes;
  CHECK(weights > 0);
  for (int64_t side = 33; side < 60; ++side) {  // more sizes than plans are kept
    (void)run(graph, random_image(side, side, random), {9}, workspace);
  }
  CHECK(memory_usage(testing::test_device())["conv_graph weights"].live_bytes == weights);

  Builder chain;
  int at = chain.conv(kConvImage, 16, 3, 1, Activation::kRelu6);
  for (int i = 0; i < 20; ++i) at = chain.conv(at, 16, 1, 1, Activation::kRelu6);
  const ConvGraph long_chain(chain.nodes, kScale, testing::test_device());
  ConvWorkspace small;
  (void)run(long_chain, random_image(64, 64, random), {at}, small);
  const size_t one_map = 64 * 64 * 16 * sizeof(float);
  if (!testing::on_cuda()) CHECK(small.bytes() < 3 * one_map);  // two maps, the image and scratch; not 21 maps
  // On a GPU scratch is the same for all graphs.
  Builder one_node;
  const ConvGraph shortest({one_node.nodes[one_node.conv(kConvImage, 16, 3, 1, Activation::kRelu6)]}, kScale,
                           testing::test_device());
  ConvWorkspace least;
  (void)run(shortest, random_image(64, 64, random), {0}, least);
  CHECK(small.bytes() < least.bytes() + 3 * one_map);
}

TEST_CASE("threads that share a graph get the bits that one thread gets") {
  const ConvGraph graph(odd_network().nodes, kScale, testing::test_device());
  std::mt19937 random(6);
  std::vector<Tensor> images;
  std::vector<Tensor> expected;
  ConvWorkspace workspace;
  for (int i = 0; i < 12; ++i) {
    images.push_back(random_image(20 + i % 4, 33, random));
    expected.push_back(run(graph, images.back(), {9}, workspace)[0]);
  }
  const ConvGraph fresh(odd_network().nodes, kScale, testing::test_device());  // nothing compiled yet
  std::vector<Tensor> got(images.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      ConvWorkspace own;
      for (size_t i = t; i < images.size(); i += 4) got[i] = run(fresh, images[i], {9}, own)[0];
    });
  }
  for (auto& t : threads) t.join();
  for (size_t i = 0; i < images.size(); ++i) CHECK(same_bits(got[i], expected[i]));
}

TEST_CASE("a workspace may move between graphs and outlive them") {
  std::mt19937 random(8);
  const Tensor image = random_image(16, 16, random);
  ConvWorkspace workspace;
  auto first = std::make_unique<ConvGraph>(odd_network().nodes, kScale, testing::test_device());
  const Tensor expected = run(*first, image, {9}, workspace)[0];
  first.reset();
  const ConvGraph second(odd_network().nodes, kScale, testing::test_device());
  CHECK(same_bits(run(second, image, {9}, workspace)[0], expected));
  ConvWorkspace moved = std::move(workspace);
  CHECK(same_bits(run(second, image, {9}, moved)[0], expected));
  moved = ConvWorkspace();
  CHECK(moved.bytes() == 0);
}

TEST_CASE("an image of a batch gives the bits that it gives alone") {
  const ConvGraph graph(odd_network().nodes, kScale, testing::test_device());
  ConvWorkspace workspace;
  std::mt19937 random(10);
  for (const int64_t batch : {3, 1, 5}) {  // buffers grow, and are larger than needed
    const Tensor images = Tensor::empty<uint8_t>({batch, 13, 18, 3}, "test");
    std::vector<std::vector<Tensor>> alone;
    for (int64_t b = 0; b < batch; ++b) {
      const Tensor image = random_image(13, 18, random);
      std::memcpy(images.rows(b, b + 1).raw(), image.raw(), image.bytes());
      ConvWorkspace own;
      alone.push_back(run(graph, image, {2, 5, 10}, own));
    }
    const std::vector<Tensor> together = run(graph, images, {2, 5, 10}, workspace);
    for (size_t t = 0; t < together.size(); ++t) {
      for (int64_t b = 0; b < batch; ++b) {
        CHECK(same_bits(together[t].rows(b, b + 1).reshape(alone[b][t].shape()), alone[b][t]));
      }
    }
  }
  CHECK_THROWS_WITH(graph.forward(Tensor::zeros<uint8_t>({2, 8, 8, 3}, "test", testing::test_device()), {0},
                                  {Tensor::zeros<float>({4, 4, 17}, "test", testing::test_device())}, workspace),
                    "conv_graph: map 0 of shape (4, 4, 17), expected (2, 4, 4, 17) of float32 for node0");
}

TEST_CASE("images and maps that lie elsewhere are refused by name") {
  if (!testing::on_cuda()) return;  // takes two devices
  const ConvGraph graph(odd_network().nodes, kScale, testing::test_device());
  ConvWorkspace workspace;
  const Tensor image = Tensor::zeros<uint8_t>({8, 8, 3}, "test");
  const Tensor map = Tensor::zeros<float>({4, 4, 17}, "test");
  CHECK_THROWS_WITH(graph.forward(image, {0}, {map}, workspace),
                    "conv_graph: images of shape (8, 8, 3) lies on cpu, the graph on cuda:0");
  CHECK_THROWS_WITH(graph.forward(image.to(graph.device(), "test"), {0}, {map}, workspace),
                    "conv_graph: map of shape (4, 4, 17) lies on cpu, the graph on cuda:0");
}

TEST_CASE("NaN in the weights reaches the output, and only where it must") {
  Builder b;
  b.conv(kConvImage, 16, 1, 1, Activation::kNone);
  b.nodes[0].weight.data<float>()[3 * 3 + 1] = NAN;  // output channel 3
  const ConvGraph graph(b.nodes, kScale, testing::test_device());
  ConvWorkspace workspace;
  std::mt19937 random(9);
  const Tensor map = run(graph, random_image(4, 5, random), {0}, workspace)[0];
  for (int64_t i = 0; i < map.size(); ++i) CHECK(std::isnan(map.data<float>()[i]) == (i % 16 == 3));
}

TEST_CASE("nodes that do not fit together are refused by name") {
  const auto error = [](const auto& change) -> std::string {
    Builder b = odd_network();
    change(b.nodes);
    try {
      const ConvGraph graph(b.nodes, kScale, testing::test_device());
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  using Nodes = std::vector<ConvNode>;
  CHECK(error([](Nodes&) {}).empty());
  CHECK(error([](Nodes& n) { n[2].input = 2; }) ==
        "conv_graph: node 2 (node2) reads node 2, expected the image (-1) or an earlier node");
  CHECK(error([](Nodes& n) { n[2].input = -2; }).find("reads node -2") != std::string::npos);
  CHECK(error([](Nodes& n) { n[5].residual = 7; }).find("(node5) adds node 7") != std::string::npos);
  CHECK(error([](Nodes& n) { n[2].stride = 0; }) == "conv_graph: node2 has stride 0, expected at least 1");
  CHECK(error([](Nodes& n) { n[3].input = 0; }) ==
        "conv_graph: node3 has weights of shape (54, 9, 1, 1) for an input of 17 channels");
  CHECK(error([](Nodes& n) { n[4].input = 2; }) ==
        "conv_graph: node4 has depthwise weights of shape (54, 1, 5, 5) for an input of 9 channels");
  CHECK(error([](Nodes& n) {
          n[0].weight = Tensor::zeros<float>({17, 27}, "test");
        }) == "conv_graph: node0 has weights of shape (17, 27), expected (C_out, C_in, K, K)");
  CHECK(error([](Nodes& n) { n[0].bias = Tensor::zeros<float>({16}, "test"); }) ==
        "conv_graph: node0 has a bias of shape (16), expected (17)");
  CHECK(error([](Nodes& n) { n[0].bias = Tensor::zeros<int32_t>({17}, "test"); }) ==
        "conv_graph: node0 has weights or a bias that are not float32");
  CHECK(error([](Nodes& n) { n[9].residual = 5; }) ==
        "conv_graph: node9 adds node5, which differs in stride or channels");
  CHECK(error([](Nodes& n) { n[9].residual = 8; }) ==
        "conv_graph: node9 adds node8, which it also convolves: the sum overwrites it");
  CHECK(error([](Nodes& n) {
          n[6].input = 2, n[6].weight = Tensor::zeros<float>({9, 1, 5, 5}, "test");
        }) == "conv_graph: node6 reads node2 after node5 has overwritten it with a sum");
}

TEST_CASE("maximum pools that are not what they say are refused by name") {
  const auto error = [](const auto& change) -> std::string {
    Builder b = residual_network();
    change(b.nodes);
    try {
      const ConvGraph graph(b.nodes, kScale, testing::test_device());
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  using Nodes = std::vector<ConvNode>;
  CHECK(error([](Nodes&) {}).empty());
  const std::string plain = "conv_graph: node1 is a maximum pool, which has no weights, bias, residual or activation";
  CHECK(error([](Nodes& n) { n[1].weight = n[0].weight; }) == plain);
  CHECK(error([](Nodes& n) { n[1].activation = Activation::kRelu; }) == plain);
  CHECK(error([](Nodes& n) { n[9].residual = 7; }).find("node9 is a maximum pool") != std::string::npos);
  CHECK(error([](Nodes& n) { n[1].pool_side = 0; }) ==
        "conv_graph: node1 pools windows of side 0, expected at least 1, and symmetric padding");
  CHECK(error([](Nodes& n) { n[1].padding = Padding::kSame; }).find("symmetric padding") != std::string::npos);
  CHECK(error([](Nodes& n) { n[1].pool_side = 2; }) ==
        "conv_graph: node1 has windows of 2 x 2, expected odd sides for symmetric padding");
  CHECK(error([](Nodes& n) {
          n[2].weight = Tensor::zeros<float>({16, 16, 4, 4}, "test");
        }) == "conv_graph: node2 has windows of 4 x 4, expected odd sides for symmetric padding");
}

TEST_CASE("a residual network is run by compiled kernels alone") {
  if (testing::on_cuda()) return;  // about oneDNN's choices
  const ConvGraph graph(residual_network(32, 64).nodes, kScale);
  for (const std::string& line : graph.describe(64, 96, {3, 7})) {
    CAPTURE(line);
    CHECK(line.find("ref") == std::string::npos);
  }
  CHECK(graph.describe(64, 96, {1})[1].find("node1: maximum pool, ") == 0);
}

TEST_CASE("images, taps and maps of the wrong kind are refused by name") {
  const ConvGraph graph(odd_network().nodes, kScale, testing::test_device());
  ConvWorkspace workspace;
  const Tensor image = Tensor::zeros<uint8_t>({8, 8, 3}, "test", testing::test_device());
  const Tensor map = Tensor::zeros<float>({4, 4, 17}, "test", testing::test_device());
  CHECK_THROWS_WITH(graph.forward(Tensor::zeros<uint8_t>({8, 8, 4}, "test"), {0}, {map}, workspace),
                    "conv_graph: image of shape (8, 8, 4), expected (H, W, 3) of uint8");
  CHECK_THROWS_AS(graph.forward(Tensor::zeros<float>({8, 8, 3}, "test"), {0}, {map}, workspace), Error);
  CHECK_THROWS_AS(graph.forward(Tensor::zeros<uint8_t>({0, 8, 3}, "test"), {0}, {map}, workspace), Error);
  CHECK_THROWS_WITH(graph.forward(image, {}, {}, workspace), "conv_graph: no taps");
  CHECK_THROWS_WITH(graph.forward(image, {0, 0}, {map, map}, workspace),
                    "conv_graph: tap 0 after 0, expected rising node indices below 11");
  CHECK_THROWS_AS(graph.forward(image, {11}, {map}, workspace), Error);
  CHECK_THROWS_WITH(graph.forward(image, {0}, {}, workspace), "conv_graph: 0 maps for 1 taps");
  CHECK_THROWS_WITH(graph.forward(image, {1}, {map.reshape({16, 17})}, workspace),
                    "conv_graph: map 0 of shape (16, 17), expected (4, 4, 17) of float32 for node1");
  CHECK_THROWS_WITH(graph.output_shape(11, 8, 8), "conv_graph: node 11 of 11");
  CHECK_THROWS_WITH(graph.output_shape(0, 0, 8), "conv_graph: image of 0 x 8, expected at least 1 x 1");
  // Described, not run.
  CHECK_THROWS_WITH(graph.describe(12000, 12000, {3}),
                    "conv_graph: node0 of an image of 12000 x 12000 takes 2448000000 bytes, at most 2147483648 are "
                    "supported: cut the image into tiles");
}

}  // namespace
}  // namespace assay::conv_graph
