// SPDX-License-Identifier: Apache-2.0
// A transformer's block of all layers against PyTorch's: value, and gradients of its input and of every parameter
// (tests/golden/make_autograd.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/autograd/ops/elementwise.h"
#include "engine/io/safetensors.h"
#include "models/layers/layers.h"
#include "tests/support/test_device.h"

namespace assay::models {
namespace {

using autograd::Tape;
using autograd::Var;
using testing::on_test_device;
using testing::values_of;

Tensor read(const std::string& name) {
  static const io::SafetensorsReader reader =
      std::move(io::SafetensorsReader::open("tests/golden/autograd.safetensors")).value();
  return reader.read("layers.block." + name, "test").value();
}

// Chains of sums of at most 36 float32 terms: some hundred roundings of the largest result.
void check_close(const Tensor& found, const std::string& name) {
  CAPTURE(name);
  const std::vector<float> x = values_of<float>(found), y = values_of<float>(read(name));
  REQUIRE(x.size() == y.size());
  float largest = 0;
  for (const float v : y) largest = std::max(largest, std::fabs(v));
  int64_t wrong = 0;
  for (size_t i = 0; i < y.size(); ++i) wrong += !(std::fabs(x[i] - y[i]) <= 200 * 0x1p-24f * largest);
  CHECK(wrong == 0);
}

TEST_CASE("a block's value and all its gradients are PyTorch's") {
  ParameterList list;
  const LayerNorm norm1(&list, "norm1", 12, 1e-6f);
  const SelfAttention attention(&list, "attn", 12, 3);
  const LayerScale scale1(&list, "ls1", 12);
  const LayerNorm norm2(&list, "norm2", 12, 1e-6f);
  const Mlp mlp(&list, "mlp", 12, 24, 12);
  const LayerScale scale2(&list, "ls2", 12);
  NamedTensors values;
  for (int64_t i = 0; i < list.size(); ++i) values.push_back({list.at(i).name, read("in" + std::to_string(i + 1))});
  REQUIRE(list.load(values, testing::test_device()).ok());

  Tape tape;
  const Pass pass = {/*trains=*/true, 0, 0};
  const Var x = tape.variable(on_test_device(read("in0")));
  const Var y = autograd::add(x, scale1.forward(attention.forward(norm1.forward(x, pass), pass), pass));
  const Var out = autograd::add(y, scale2.forward(mlp.forward(norm2.forward(y, pass), pass), pass));
  check_close(out.value(), "out");
  tape.backward({{out, on_test_device(read("grad_out"))}});
  check_close(tape.grad(x), "grad0");
  REQUIRE(list.size() == 14);
  for (int64_t i = 0; i < list.size(); ++i) check_close(list.at(i).grad, "grad" + std::to_string(i + 1));
}

}  // namespace
}  // namespace assay::models
