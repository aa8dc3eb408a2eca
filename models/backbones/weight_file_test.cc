// SPDX-License-Identifier: Apache-2.0
// Files of weights, and which backbones ask for one.
#include "models/backbones/weight_file.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "engine/io/safetensors.h"
#include "engine/ops/convert_float16.h"
#include "models/backbones/backbone_list.h"
#include "tests/support/temporary_folder.h"

namespace assay::models {
namespace {

TEST_CASE("the same weights come out of a .pth and a .safetensors file") {
  const NamedTensors pth = read_weight_file("tests/golden/vit/weights.pth").value();
  const NamedTensors safe = read_weight_file("tests/golden/vit/weights.safetensors").value();
  REQUIRE(pth.size() == 50);
  REQUIRE(safe.size() == pth.size());
  for (size_t i = 0; i < pth.size(); ++i) {
    CAPTURE(pth[i].first);
    CHECK(pth[i].first == safe[i].first);
    REQUIRE(pth[i].second.shape() == safe[i].second.shape());
    CHECK(std::memcmp(pth[i].second.raw(), safe[i].second.raw(), pth[i].second.bytes()) == 0);
  }
}

TEST_CASE("halves are widened, integers left out, and files of other kinds refused") {
  const testing::TemporaryFolder folder;
  const std::string path = folder / "weights";
  const Tensor half = ops::to_float16(Tensor::zeros<float>({2, 3}, "test"));
  REQUIRE(io::write_safetensors(path, {{"counter", Tensor::zeros<int64_t>({1}, "test")}, {"w", half}}).ok());
  const NamedTensors tensors = read_weight_file(path).value();
  REQUIRE(tensors.size() == 1);
  CHECK(tensors[0].first == "w");
  CHECK(tensors[0].second.dtype() == DType::kFloat32);
  CHECK(tensors[0].second.shape() == Shape{2, 3});
  REQUIRE(io::write_safetensors(path, {{"counter", Tensor::zeros<int64_t>({1}, "test")}}).ok());
  CHECK(read_weight_file(path).message() == path + ": holds no floating-point tensors");
  CHECK_FALSE(read_weight_file(folder / "absent").ok());
  CHECK_FALSE(read_weight_file("tests/golden/vit/BUILD").ok());
}

TEST_CASE("a backbone without built-in weights asks for a file, and says what is wrong with it") {
  CHECK(make_backbone("dinov2_reg_vit_s14").message() == "backbone dinov2_reg_vit_s14: needs a file of weights");
  const NamedTensors weights = read_weight_file("tests/golden/vit/weights.pth").value();
  CHECK(make_backbone("efficientnet_lite0", Device::cpu(), weights).message() ==
        "backbone efficientnet_lite0: has its weights built in, but was given others");
  const std::string vit = make_backbone("dinov2_reg_vit_s14", Device::cpu(), weights).message();
  CHECK(vit.find("dinov2_reg_vit_s14: 126 missing: blocks.3.norm1.weight") == 0);
  CHECK(vit.find("cls_token (1, 1, 16), expected (1, 1, 384)") != std::string::npos);
  const std::string resnet = make_backbone("resnet18", Device::cpu(), weights).message();
  CHECK(resnet.find("resnet18: 100 missing: conv1.weight, bn1.weight") == 0);
  CHECK(resnet.find("50 unexpected: cls_token (1, 1, 16)") != std::string::npos);
}

}  // namespace
}  // namespace assay::models
