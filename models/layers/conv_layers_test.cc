// SPDX-License-Identifier: Apache-2.0
// What convolutional layers add to the operations they call: names, initial values, running statistics, sizes.
#include "models/layers/conv_layers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/autograd/ops/reduce.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;
using testing::tensor_of;
using testing::test_device;
using testing::values_of;

Tensor ramp(const Shape& shape) {
  std::vector<float> x(static_cast<size_t>(num_elements(shape)));
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
  return tensor_of<float>(shape, x);
}

TEST_CASE("convolutional layers name their parameters as PyTorch's modules do, and keep buffers from the optimiser") {
  ParameterList list;
  const Conv2d conv(&list, "conv1", 3, 8, 3, 2, 1);
  const BatchNorm2d norm(&list, "bn1", 8);
  const Upsample2x2 up(&list, "up.0", 8, 4);
  std::vector<std::string> names, trained;
  for (int64_t i = 0; i < list.size(); ++i) names.push_back(list.at(i).name + " " + to_string(list.shape(i)));
  for (const autograd::Parameter* p : list.trained()) trained.push_back(p->name);
  CHECK(names == std::vector<std::string>{"conv1.weight (8, 3, 3, 3)", "bn1.weight (8)", "bn1.bias (8)",
                                          "bn1.running_mean (8)", "bn1.running_var (8)", "up.0.weight (8, 2, 2, 4)"});
  CHECK(trained == std::vector<std::string>{"conv1.weight", "bn1.weight", "bn1.bias", "up.0.weight"});
}

TEST_CASE("fresh convolutions have the spread that PyTorch's have") {
  ParameterList list;
  const Conv2d conv(&list, "conv", 50, 40, 3, 1, 1);
  const Upsample2x2 up(&list, "up", 60, 70);
  const BatchNorm2d norm(&list, "bn", 2);
  list.initialise(3, test_device());
  const auto moments = [](const Tensor& t) {
    double sum = 0, square = 0;
    for (const float x : values_of<float>(t)) sum += x, square += static_cast<double>(x) * x;
    const double n = static_cast<double>(t.size());
    return std::pair(sum / n, square / n);
  };
  // Five standard errors of mean and variance; the uniform distribution's fourth moment is 9 / 5 of its squared second.
  const auto [mean, variance] = moments(list.at(0).value);
  const double expected = 2.0 / (40 * 9), n = 40 * 9 * 50;
  CHECK(std::fabs(mean) < 5 * std::sqrt(expected / n));
  CHECK(std::fabs(variance / expected - 1) < 5 * std::sqrt(2 / n));
  const auto [mean_up, variance_up] = moments(list.at(1).value);
  const double most = 1 / std::sqrt(4.0 * 70), expected_up = most * most / 3, n_up = 60 * 4 * 70;
  CHECK(std::fabs(mean_up) < 5 * std::sqrt(expected_up / n_up));
  CHECK(std::fabs(variance_up / expected_up - 1) < 5 * std::sqrt(0.8 / n_up));
  for (const float x : values_of<float>(list.at(1).value)) CHECK(std::fabs(x) <= most);
  CHECK(values_of<float>(list.at(4).value) == std::vector<float>{0, 0});  // running mean
  CHECK(values_of<float>(list.at(5).value) == std::vector<float>{1, 1});  // running variance
}

TEST_CASE("batch norm trains by its input's statistics, scores by the running ones, and moves these when it trains") {
  ParameterList list;
  const BatchNorm2d norm(&list, "bn", 2);
  list.initialise(1, test_device());
  Tape tape;
  const Var x = tape.constant(tensor_of<float>({1, 2, 1, 2}, {1, 10, 3, 30}));
  const std::vector<float> before = values_of<float>(norm.forward(x, Pass()).value());
  CHECK(before[0] == doctest::Approx(1).epsilon(1e-5));
  CHECK(before[3] == doctest::Approx(30).epsilon(1e-5));
  const std::vector<float> trained = values_of<float>(norm.forward(x, {/*trains=*/true}).value());
  for (size_t i = 0; i < 4; ++i) CHECK(trained[i] == doctest::Approx(i < 2 ? -1 : 1).epsilon(1e-4));
  const std::vector<float> mean = values_of<float>(list.at(2).value), variance = values_of<float>(list.at(3).value);
  CHECK(mean[0] == doctest::Approx(0.2));
  CHECK(mean[1] == doctest::Approx(2));
  CHECK(variance[0] == doctest::Approx(0.9 + 0.1 * 2));
  CHECK(variance[1] == doctest::Approx(0.9 + 0.1 * 200));
  const std::vector<float> after = values_of<float>(norm.forward(x, Pass()).value());
  CHECK(after[0] == doctest::Approx(0.8 / std::sqrt(1.1)).epsilon(1e-4));
  CHECK(values_of<float>(list.at(2).value) == mean);
  const Var variable = tape.variable(x.value());
  CHECK_THROWS_WITH(norm.forward(variable, Pass()), "batch norm: a pass that does not train gives no gradient");
}

TEST_CASE("convolutions halve sides, rounded up, and upsampling gives back either") {
  ParameterList list;
  const Conv2d half(&list, "half", 2, 3, 3, 2, 1), point(&list, "point", 2, 3, 1, 2, 0);
  const Upsample2x2 twice(&list, "twice", 3, 2);
  list.initialise(1, test_device());
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{6, 4}, {5, 7}, {1, 1}, {2, 3}}) {
    Tape tape;
    const Pass pass = {/*trains=*/true, 0, 0};
    const Var x = tape.variable(ramp({2, height, width, 2}));
    const Var y = half.forward(x, pass);
    CHECK(y.shape() == Shape{2, (height + 1) / 2, (width + 1) / 2, 3});
    CHECK(point.forward(x, pass).shape() == y.shape());
    const Var z = twice.forward(y, height, width, pass);
    CHECK(z.shape() == x.shape());
    tape.backward(autograd::sum(z));
    CHECK(tape.grad(x).shape() == x.shape());
    CHECK_THROWS_AS(twice.forward(y, height + 2, width, pass), Error);
  }
}

}  // namespace
}  // namespace assay::models
