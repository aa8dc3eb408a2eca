// SPDX-License-Identifier: Apache-2.0
// Values and gradients of every operation of the list against PyTorch's (tests/golden/make_autograd.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/autograd/ops/op_types.h"
#include "engine/io/safetensors.h"
#include "tests/support/test_device.h"

namespace assay::autograd {
namespace {

using assay::testing::on_test_device;
using assay::testing::values_of;
using Vars = std::vector<Var>;
using Run = std::function<Var(const Vars&)>;

const io::SafetensorsReader& golden() {
  static const io::SafetensorsReader reader =
      std::move(io::SafetensorsReader::open("tests/golden/autograd.safetensors")).value();
  return reader;
}

// The cases of the golden file that are an operation's, by "operation.case".
std::set<std::string> cases_of(const std::string& op) {
  std::set<std::string> cases;
  for (const auto& entry : golden().entries()) {
    const size_t end = entry.name.rfind(".out");
    if (end != std::string::npos && entry.name.rfind(op + ".", 0) == 0) cases.insert(entry.name.substr(0, end));
  }
  return cases;
}

std::map<std::string, Run> runs() {
  return {
      {"activation.gelu", [](const Vars& v) { return gelu(v[0]); }},
      {"activation.relu", [](const Vars& v) { return relu(v[0]); }},
      {"activation.relu6", [](const Vars& v) { return relu6(scale(v[0], 4)); }},
      {"activation.elu_plus_one", [](const Vars& v) { return elu_plus_one(v[0]); }},
      {"add.same_shape", [](const Vars& v) { return add(v[0], v[1]); }},
      {"add.row", [](const Vars& v) { return add(v[0], v[1]); }},
      {"add.difference", [](const Vars& v) { return subtract(v[0], v[1]); }},
      {"attention.two_heads", [](const Vars& v) { return attention(v[0], 2); }},
      {"batch_norm.maps", [](const Vars& v) { return batch_norm(v[0], v[1], v[2], {1e-5f}); }},
      {"concat.three",
       [](const Vars& v) {
         return concat({v[0], v[1], v[2]});
       }},
      {"conv2d.bias", [](const Vars& v) { return conv2d(v[0], v[1], v[2], 1, 1); }},
      {"conv2d.stride", [](const Vars& v) { return conv2d(v[0], v[1], {}, 2, 1); }},
      {"conv2d.point", [](const Vars& v) { return conv2d(v[0], v[1], {}, 2, 0); }},
      {"conv_transpose2d.side_by_side",
       [](const Vars& v) {
         return conv_transpose2d(v[0], v[1], {2, 0});
       }},
      {"conv_transpose2d.over_each_other",
       [](const Vars& v) {
         return conv_transpose2d(v[0], v[1], {2, 1});
       }},
      {"dropout.quarter", [](const Vars& v) { return dropout(v[0], 0.25f, 3, 11); }},
      {"layer_norm.affine", [](const Vars& v) { return layer_norm(v[0], v[1], v[2], 1e-6f); }},
      {"linear.bias", [](const Vars& v) { return linear(v[0], v[1], v[2]); }},
      {"linear.no_bias", [](const Vars& v) { return linear(v[0], v[1]); }},
      {"linear_attention.two_heads", [](const Vars& v) { return linear_attention(v[0], 2); }},
      {"map_cosine.plain", [](const Vars& v) { return map_cosine(v[0], v[1]); }},
      {"map_cosine.mined", [](const Vars& v) { return map_cosine(v[0], v[1], 0.7, 0.1f); }},
      {"multiply.same_shape", [](const Vars& v) { return multiply(v[0], v[1]); }},
      {"multiply.row", [](const Vars& v) { return multiply(v[0], v[1]); }},
      {"reduce.sum", [](const Vars& v) { return sum(v[0]); }},
      {"reduce.mean", [](const Vars& v) { return mean(v[0]); }},
      {"reshape.flat",
       [](const Vars& v) {
         return reshape(v[0], {6, 4});
       }},
      {"scale.factor", [](const Vars& v) { return scale(v[0], -1.5f); }},
      {"skip_tokens.two", [](const Vars& v) { return skip_tokens(v[0], 2); }},
      {"softmax.rows", [](const Vars& v) { return softmax(v[0]); }},
  };
}

Tensor read(const std::string& name) { return golden().read(name, "test").value(); }

// float32 sums of at most some 50 terms no larger than a few times the largest result: 200 roundings.
void check_close(const Tensor& found, const std::string& name) {
  CAPTURE(name);
  const Tensor expected = read(name);
  REQUIRE(found.shape() == expected.shape());
  const std::vector<float> x = values_of<float>(found), y = values_of<float>(expected);
  float largest = 1;
  for (const float v : y) largest = std::max(largest, std::fabs(v));
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) wrong += !(std::fabs(x[i] - y[i]) <= 200 * 0x1p-24f * largest);
  CHECK(wrong == 0);
}

void check_case(const std::string& name, const Run& run) {
  Tape tape;
  Vars inputs;
  while (golden().find(name + ".in" + std::to_string(inputs.size())) != nullptr) {
    inputs.push_back(tape.variable(on_test_device(read(name + ".in" + std::to_string(inputs.size())))));
  }
  const Var out = run(inputs);
  check_close(out.value(), name + ".out");
  tape.backward({{out, on_test_device(read(name + ".grad_out"))}});
  for (size_t i = 0; i < inputs.size(); ++i) check_close(tape.grad(inputs[i]), name + ".grad" + std::to_string(i));
}

template <class Op>
int64_t check_op() {
  CAPTURE(std::string(Op::kName));
  const std::set<std::string> cases = cases_of(Op::kName);
  CHECK_FALSE(cases.empty());
  const std::map<std::string, Run> all = runs();
  for (const std::string& name : cases) {
    CAPTURE(name);
    REQUIRE(all.count(name) == 1);
    check_case(name, all.at(name));
  }
  return static_cast<int64_t>(cases.size());
}

template <class... Ops>
int64_t check_all(const std::tuple<Ops...>*) {
  return (check_op<Ops>() + ...);
}

TEST_CASE("every operation's value and gradients are PyTorch's") {
  // Each run belongs to a case of the file, so that none is left out by a name.
  CHECK(check_all(static_cast<const AllOps*>(nullptr)) == static_cast<int64_t>(runs().size()));
}

}  // namespace
}  // namespace assay::autograd
