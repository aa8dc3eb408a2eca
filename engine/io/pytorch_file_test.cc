// SPDX-License-Identifier: Apache-2.0
// Files of torch.save (tests/golden/make_pytorch_files.py), and what becomes of them under hostile hands.
#include "engine/io/pytorch_file.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <random>

#include "engine/io/pickle.h"
#include "tests/support/temporary_folder.h"

namespace assay::io {
namespace {

const std::string kGolden = "tests/golden/pytorch/";

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

PytorchReader open_golden(const std::string& name) { return PytorchReader::open(kGolden + name).value(); }

void check_values(const PytorchReader& reader, const std::string& name, const Shape& shape,
                  const std::function<float(int64_t)>& expected) {
  CAPTURE(name);
  const Result<Tensor> tensor = reader.read(name, "test");
  REQUIRE_MESSAGE(tensor.ok(), tensor.message());
  REQUIRE(tensor.value().shape() == shape);
  for (int64_t i = 0; i < tensor.value().size(); ++i) CHECK(tensor.value().data<float>()[i] == expected(i));
}

TEST_CASE("both forms of torch.save give every tensor with its values") {
  const auto ramp = [](int64_t i) { return static_cast<float>(i) / 2 - 1; };
  for (const char* file : {"zip.pth", "legacy.pth"}) {
    CAPTURE(file);
    const PytorchReader reader = open_golden(file);
    CHECK(reader.entries().size() == 10);
    CHECK(reader.entries()[0].name == "float32");
    check_values(reader, "float32", {2, 3}, ramp);
    check_values(reader, "float16", {5}, ramp);
    check_values(reader, "bfloat16", {5}, ramp);
    check_values(reader, "float64", {4}, ramp);
    check_values(reader, "parameter", {3}, ramp);
    check_values(reader, "transposed", {2, 3}, [&](int64_t i) { return ramp(i % 3 * 2 + i / 3); });
    check_values(reader, "slice", {2, 2}, [&](int64_t i) { return ramp((1 + i / 2) * 5 + 2 + i % 2); });
    check_values(reader, "counter", {}, [](int64_t) { return 7.0f; });
    check_values(reader, "flags", {2}, [](int64_t i) { return i == 0 ? 1.0f : 0.0f; });
    check_values(reader, "empty", {0, 3}, ramp);
    CHECK(reader.find("nothing") == nullptr);
    CHECK(reader.read("nothing", "test").message() == kGolden + file + ": no tensor \"nothing\" among its 10");
  }
}

TEST_CASE("a state dict inside a checkpoint is found, and two of them are told apart by nobody") {
  check_values(open_golden("nested.pth"), "w", {2}, [](int64_t i) { return static_cast<float>(i) / 2 - 1; });
  CHECK(PytorchReader::open(kGolden + "two_models.pth").message() ==
        kGolden + "two_models.pth: holds 2 dicts of tensors, expected one: save the state dict alone");
  CHECK(PytorchReader::open(kGolden + "list.pth").message() == kGolden + "list.pth: holds no dict of tensors");
}

TEST_CASE("a pickle that wants to run something is refused by name") {
  CHECK(PytorchReader::open(kGolden + "hostile.pth").message() ==
        kGolden + "hostile.pth: pickle: byte 13: names posix.system, which a file of weights has no business with");
  CHECK(PytorchReader::open(kGolden + "compressed.pth").message() ==
        kGolden + "compressed.pth: zip: member archive/data.pkl is compressed");
}

TEST_CASE("files that are something else are refused by name") {
  const testing::TemporaryFolder folder;
  const auto error_of = [&](const std::string& bytes) {
    std::ofstream(folder.path() + "/f", std::ios::binary) << bytes;
    return PytorchReader::open(folder.path() + "/f").message();
  };
  CHECK(error_of("").find("not a file of torch.save") != std::string::npos);
  CHECK(error_of("PK\x03\x04 and then nothing like it").find("zip: no end record") != std::string::npos);
  CHECK(PytorchReader::open(folder.path()).message().find("not a regular file") != std::string::npos);
  CHECK(PytorchReader::open(folder.path() + "/none").message().find("No such file") != std::string::npos);
  CHECK(PytorchReader::is_pytorch_file(kGolden + "zip.pth").value());
  CHECK(PytorchReader::is_pytorch_file(kGolden + "legacy.pth").value());
  CHECK_FALSE(PytorchReader::is_pytorch_file("tests/golden/make_pytorch_files.py").value());
}

// Reads every tensor of a file that may be anything; must neither crash nor ask for absurd memory.
bool survives(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
  const Result<PytorchReader> reader = PytorchReader::open(path);
  if (!reader.ok()) return !reader.message().empty();
  for (const PytorchEntry& entry : reader.value().entries()) {
    const Result<Tensor> tensor = reader.value().read(entry.name, "test");
    if (tensor.ok() && tensor.value().size() > static_cast<int64_t>(bytes.size())) return false;
  }
  return true;
}

TEST_CASE("files cut anywhere or with any byte changed are refused or read, never worse") {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path() + "/f";
  std::mt19937 random(3);
  for (const char* file : {"zip.pth", "legacy.pth"}) {
    CAPTURE(file);
    const std::string whole = slurp(kGolden + file);
    for (size_t cut = 0; cut < whole.size(); ++cut) {
      CAPTURE(cut);
      CHECK(survives(path, whole.substr(0, cut)));
    }
    for (int round = 0; round < 1000; ++round) {
      std::string changed = whole;
      for (uint32_t i = 0; i <= random() % 3; ++i) changed[random() % changed.size()] = static_cast<char>(random());
      CAPTURE(round);
      CHECK(survives(path, changed));
    }
  }
}

TEST_CASE("pickles that nest without end, recall what was not remembered or end early are errors") {
  const auto error_of = [](const std::string& bytes) { return parse_pickle(bytes).message(); };
  CHECK(error_of("\x80\x02") == "pickle: byte 2: ends within an instruction");
  CHECK(error_of("\x80\x05N.") == "pickle: byte 0: protocol 5, at most 4 is read");
  CHECK(error_of("h\x03.") == "pickle: byte 0: recalls value 3, which was not remembered");
  CHECK(error_of("0.") == "pickle: byte 0: takes a value from an empty stack");
  CHECK(error_of("NNR.") == "pickle: byte 2: calls something that is no function");
  CHECK(error_of("i.") == "pickle: byte 0: instruction 105, which a file of weights has no business with");
  CHECK(parse_pickle("N" + std::string(200000, '\x85') + ".").ok());  // a tuple of a tuple of ...
  CHECK(parse_pickle("]q" + std::string("\0h\0a.", 5)).ok());         // a list that holds itself
}

}  // namespace
}  // namespace assay::io
