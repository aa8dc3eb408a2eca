// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/part_store.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "tests/support/temporary_folder.h"

namespace assay::pipeline {
namespace {

Part some_part() {
  Part part;
  part.description["steps"] = 7;
  part.tensors["scores"] = bits_of({0.1, -0.0, std::numeric_limits<double>::infinity(), 1e-310});
  part.tensors["weights"] = Tensor::zeros<float>({2, 3}, "test");
  part.tensors["none"] = Tensor::empty<float>({0}, "test");
  return part;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("a part comes back as it was put, and the last one put is the one that is there") {
  const testing::TemporaryFolder folder;
  const PartStore store(folder / "deep/parts", "1");
  CHECK_FALSE(store.get("a").value().has_value());
  REQUIRE(store.put("a", {}).ok());
  REQUIRE(store.put("a", some_part()).ok());
  const Part part = store.get("a").value().value();
  CHECK(part.description == some_part().description);
  REQUIRE(part.tensors.size() == 3);
  const std::vector<double> scores = doubles_of(part.tensors.at("scores"));
  CHECK(scores == std::vector<double>{0.1, 0.0, std::numeric_limits<double>::infinity(), 1e-310});
  CHECK(std::signbit(scores[1]));
  CHECK(part.tensors.at("weights").shape() == Shape{2, 3});
  CHECK(part.tensors.at("none").size() == 0);
  CHECK_FALSE(store.get("b").value().has_value());
  store.remove("a");
  store.remove("a");
  CHECK_FALSE(store.get("a").value().has_value());
}

TEST_CASE("a part with any one byte changed or cut off is refused, and so is another version's") {
  const testing::TemporaryFolder folder;
  const PartStore store(folder.path(), "1");
  REQUIRE(store.put("a", some_part()).ok());
  const std::string path = folder / "a.part", whole = slurp(path);
  for (size_t i = 0; i < whole.size(); ++i) {
    CAPTURE(i);
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    std::ofstream(path, std::ios::binary) << damaged;
    CHECK_FALSE(store.get("a").ok());
    std::ofstream(path, std::ios::binary) << whole.substr(0, i);
    CHECK_FALSE(store.get("a").ok());
  }
  std::ofstream(path, std::ios::binary) << whole;
  CHECK(store.get("a").ok());
  CHECK(PartStore(folder.path(), "2").get("a").message().find("made by version '1'") != std::string::npos);
}

TEST_CASE("a folder that cannot be made is an error that names it") {
  const PartStore store("/dev/null/parts", "1");
  CHECK(store.put("a", some_part()).message().find("/dev/null/parts") == 0);
}

}  // namespace
}  // namespace assay::pipeline
