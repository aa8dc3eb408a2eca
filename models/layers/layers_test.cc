// SPDX-License-Identifier: Apache-2.0
// What layers add to the operations they call: names, initial values, which parameters take part, dropout's masks.
// Values of whole networks are held against PyTorch in models/backbones.
#include "models/layers/layers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/autograd/ops/reduce.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;
using testing::on_host;
using testing::test_device;
using testing::values_of;

std::vector<std::string> names(const ParameterList& list) {
  std::vector<std::string> all;
  for (int64_t i = 0; i < list.size(); ++i) all.push_back(list.at(i).name + " " + to_string(list.shape(i)));
  return all;
}

Tensor ramp(const Shape& shape) {
  std::vector<float> x(static_cast<size_t>(num_elements(shape)));
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  return testing::tensor_of<float>(shape, x);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor x = on_host(a), y = on_host(b);
  return x.shape() == y.shape() && std::memcmp(x.raw(), y.raw(), x.bytes()) == 0;
}

TEST_CASE("layers name and shape their parameters as PyTorch's modules do") {
  ParameterList list;
  const LayerNorm norm(&list, "norm1", 8, 1e-6f);
  const SelfAttention attention(&list, "attn", 8, 2);
  const LayerScale scale(&list, "ls1", 8);
  const Mlp mlp(&list, "mlp", 8, 32, 8);
  const Linear plain(&list, "head", 8, 3, Linear::Bias::kNo);
  CHECK(names(list) == std::vector<std::string>{"norm1.weight (8)", "norm1.bias (8)", "attn.qkv.weight (24, 8)",
                                                "attn.qkv.bias (24)", "attn.proj.weight (8, 8)", "attn.proj.bias (8)",
                                                "ls1.gamma (8)", "mlp.fc1.weight (32, 8)", "mlp.fc1.bias (32)",
                                                "mlp.fc2.weight (8, 32)", "mlp.fc2.bias (8)", "head.weight (3, 8)"});
  CHECK(list.num_elements() == 16 + 192 + 24 + 64 + 8 + 8 + 256 + 32 + 256 + 8 + 24);
  CHECK_THROWS_WITH(Linear(&list, "head", 8, 3), "parameter head.weight: declared twice");
  CHECK_THROWS_WITH(SelfAttention(&list, "odd", 8, 3), "odd: 3 heads for a width of 8, expected a divisor of it");
}

TEST_CASE("fresh weights are normal with deviation 0.01 cut at three deviations, and depend on seed and place alone") {
  const auto fresh = [](uint64_t seed, int64_t layers) {
    ParameterList list;
    for (int64_t i = 0; i < layers; ++i) Linear(&list, "fc" + std::to_string(i), 200, 300);
    LayerNorm(&list, "norm", 5, 1e-6f);
    list.initialise(seed, test_device());
    return list.values();
  };
  const NamedTensors values = fresh(3, 2);
  const std::vector<float> w = values_of<float>(values[0].second);
  double sum = 0, square = 0, largest = 0;
  for (const float x : w) sum += x, square += static_cast<double>(x) * x, largest = std::fmax(largest, std::fabs(x));
  const double n = static_cast<double>(w.size());
  // Five standard errors of mean and variance; cutting at 3 takes 2.7 % of the variance away: 1 - 6 phi(3) / (1 -
  // 0.0027).
  CHECK(std::fabs(sum / n) < 5 * 0.01 / std::sqrt(n));
  CHECK(std::fabs(square / n / 1e-4 - 0.97334) < 5 * std::sqrt(2 / n));
  CHECK(largest <= 0.03f);
  CHECK(largest > 0.028);
  for (const float b : values_of<float>(values[1].second)) CHECK(b == 0);
  for (const float g : values_of<float>(values[4].second)) CHECK(g == 1);
  for (const float b : values_of<float>(values[5].second)) CHECK(b == 0);

  CHECK_FALSE(same_bits(values[0].second, values[2].second));
  CHECK(same_bits(values[2].second, fresh(3, 4)[2].second));
  CHECK_FALSE(same_bits(values[0].second, fresh(4, 2)[0].second));
}

TEST_CASE("values from elsewhere are taken whole, or refused with a list of what differs") {
  const auto make = [](ParameterList* list) { Mlp(list, "mlp", 2, 4, 2); };
  ParameterList from;
  make(&from);
  from.initialise(1, test_device());
  ParameterList to;
  make(&to);
  NamedTensors values = from.values();
  std::swap(values[0], values[2]);  // any order
  REQUIRE(to.load(values, test_device()).ok());
  for (int64_t i = 0; i < to.size(); ++i) CHECK(same_bits(to.at(i).value, from.at(i).value));

  ParameterList other;
  make(&other);
  NamedTensors wrong = from.values();
  wrong[0].second = Tensor::zeros<float>({3, 2}, "test");
  wrong[1].first = "mlp.fc1.beta";
  CHECK(
      other.load(wrong, test_device()).message() ==
      "1 missing: mlp.fc1.bias; 1 unexpected: mlp.fc1.beta (4); 1 of the wrong shape: mlp.fc1.weight (3, 2), expected "
      "(4, 2)");
  CHECK(other.at(2).value.size() == 0);  // nothing was taken
  wrong = from.values();
  wrong.push_back(wrong[0]);
  CHECK(other.load(wrong, test_device()).message() == "two tensors have the name mlp.fc1.weight");
  wrong.back() = {"x", Tensor::zeros<int32_t>({1}, "test")};
  CHECK(other.load(wrong, test_device()).message() == "x: is int32, expected float32");

  std::vector<NamedShape> many;
  for (int i = 0; i < 12; ++i) many.push_back({"p" + std::to_string(i), {1}});
  CHECK(check_names_and_shapes(many, {}).message() == "12 missing: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, ...");
  CHECK(check_names_and_shapes(many, many).ok());
}

TEST_CASE("every parameter gets a gradient in a pass that trains, and none in one that does not") {
  ParameterList list;
  const LayerNorm norm(&list, "norm1", 8, 1e-6f);
  const SelfAttention attention(&list, "attn", 8, 2);
  const LayerScale scale(&list, "ls1", 8);
  const Mlp mlp(&list, "mlp", 8, 16, 8);
  list.initialise(5, test_device());
  const auto forward = [&](Tape& tape, const Pass& pass) {
    const Var x = tape.constant(ramp({2, 3, 8}));
    return mlp.forward(scale.forward(attention.forward(norm.forward(x, pass), pass), pass), pass);
  };
  Tape frozen;
  const Var y = forward(frozen, {});
  CHECK_FALSE(y.requires_grad());
  CHECK(frozen.num_nodes() == 0);

  Tape tape;
  const Var trained = forward(tape, {/*trains=*/true});
  CHECK(same_bits(trained.value(), y.value()));  // no dropout, no difference
  tape.backward(autograd::sum(trained));
  for (int64_t i = 0; i < list.size(); ++i) {
    CAPTURE(list.at(i).name);
    REQUIRE(list.at(i).grad.shape() == list.shape(i));
    double size = 0;
    for (const float g : values_of<float>(list.at(i).grad)) size += std::fabs(g);
    CHECK(size > 0);
  }
}

TEST_CASE("dropout is a function of seed, step and layer while training, and nothing otherwise") {
  ParameterList list;
  const Mlp mlp(&list, "mlp", 16, 32, 16, {0.2f, 0.2f, 0.2f, 7});
  const Mlp same(&list, "same", 16, 32, 16, {0.2f, 0.2f, 0.2f, 7});
  const Mlp other_id(&list, "other", 16, 32, 16, {0.2f, 0.2f, 0.2f, 10});
  const Mlp none(&list, "none", 16, 32, 16);
  list.initialise(1, test_device());
  for (int64_t i = 4; i < list.size(); ++i) list.at(i).value = list.at(i % 4).value;
  const auto run = [](const Mlp& layer, const Pass& pass) {
    Tape tape;
    return layer.forward(tape.constant(ramp({4, 16})), pass).value();
  };
  const Tensor y = run(mlp, {true, 9, 2});
  CHECK(same_bits(y, run(same, {true, 9, 2})));
  CHECK_FALSE(same_bits(y, run(mlp, {true, 8, 2})));
  CHECK_FALSE(same_bits(y, run(mlp, {true, 9, 3})));
  CHECK_FALSE(same_bits(y, run(other_id, {true, 9, 2})));
  CHECK(same_bits(run(mlp, {false, 9, 2}), run(none, {true, 9, 2})));
  CHECK_THROWS_WITH(Dropout(1.0f, 0), "dropout: probability 1, expected 0 to below 1");
  CHECK_THROWS_AS(Dropout(0.1f, Dropout::kMaxDropouts), Error);
}

}  // namespace
}  // namespace assay::models
