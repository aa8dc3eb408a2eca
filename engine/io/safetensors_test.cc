// SPDX-License-Identifier: Apache-2.0
#include "engine/io/safetensors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "engine/tensor/tensor.h"
#include "kernels/base/check.h"
#include "tests/support/temporary_folder.h"

namespace assay::io {
namespace {

namespace fs = std::filesystem;

using testing::TemporaryFolder;

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string with_length(const std::string& header, const std::string& data) {
  std::string file(8, '\0');
  for (int i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  return file + header + data;
}

// The error of reading `header` followed by `data_bytes` zeros; empty where there is none.
std::string error_of(const std::string& header, size_t data_bytes) {
  const std::string file = with_length(header, std::string(data_bytes, '\0'));
  return SafetensorsReader::from_memory(file, "f").message();
}

Tensor counting(const Shape& shape, DType dtype) {
  const Tensor t = Tensor::empty(shape, dtype, "test");
  for (size_t i = 0; i < t.bytes(); ++i) t.raw()[i] = static_cast<std::byte>(i * 37 + 11);
  return t;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(a.raw(), b.raw(), a.bytes()) == 0);
}

using Named = std::vector<std::pair<std::string, Tensor>>;

Named one_of_each() {
  return {{"weights", counting({3, 5}, DType::kFloat32)}, {"half", counting({7}, DType::kFloat16)},
          {"bytes", counting({2, 1, 3}, DType::kUInt8)},  {"none", counting({4, 0}, DType::kInt32)},
          {"scalar", counting({}, DType::kInt64)},        {"\"quoted\"\n\xc3\xa4", counting({1}, DType::kInt32)}};
}

TEST_CASE("what is written is read back: names, metadata, every dtype, scalars and empty tensors") {
  const TemporaryFolder folder;
  const Named tensors = one_of_each();
  const SafetensorsMetadata metadata = {{"format", "1"}, {"empty", ""}, {"json", "{\"a\": [1]}"}};
  REQUIRE(write_safetensors(folder / "a", tensors, metadata).ok());
  CHECK(folder.num_entries() == 1);
  const SafetensorsReader reader = SafetensorsReader::open(folder / "a").value();
  CHECK(reader.metadata() == metadata);
  REQUIRE(reader.entries().size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    CHECK(reader.entries()[i].name == tensors[i].first);
    CHECK(same(reader.read(tensors[i].first, "test").value(), tensors[i].second));
  }
  const std::string bytes = slurp(folder / "a");
  CHECK(static_cast<unsigned char>(bytes[0]) % 8 == 0);
  const SafetensorsReader from_memory = SafetensorsReader::from_memory(bytes, "memory").value();
  CHECK(same(from_memory.read("weights", DType::kFloat32, {3, 5}, "test").value(), tensors[0].second));
}

TEST_CASE("a file that the reference library could have written is read, in the order of its bytes") {
  const std::string header = R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[8,10]},"__metadata__":{"k":"v"},)"
                             R"("a":{"data_offsets":[0,8],"shape":[1,2],"dtype":"F32"}}   )";
  const std::string data("\0\0\x80\x3f\0\0\0\xc0\x05\xff", 10);
  const std::string file = with_length(header, data);
  const SafetensorsReader reader = SafetensorsReader::from_memory(file, "f").value();
  CHECK(reader.entries()[0].name == "a");
  CHECK(reader.entries()[1].name == "b");
  const Tensor a = reader.read("a", "test").value();
  CHECK(a.data<float>()[0] == 1.0f);
  CHECK(a.data<float>()[1] == -2.0f);
  CHECK(reader.read("b", "test").value().data<uint8_t>()[1] == 255);
}

TEST_CASE("headers that do not describe the data exactly are refused by name") {
  const std::string f32 = R"("dtype":"F32",)";
  CHECK(error_of("{}", 0).empty());
  CHECK(error_of("{}", 1) == "f: the tensors take 0 bytes of data, the file has 1");
  CHECK(error_of("[]", 0) == "f: the header is JSON but not an object");
  CHECK(error_of("{", 0) == "f: the header is not valid JSON");
  CHECK(error_of("{} x", 0) == "f: the header is not valid JSON");
  CHECK(error_of("{\"\xff\":1}", 0) == "f: the header is not valid JSON");
  CHECK(error_of(R"({"__metadata__":{"a":1}})", 0) == "f: __metadata__ holds a value that is not a string: \"a\"");
  CHECK(error_of(R"({"a":1})", 0) == "f: tensor \"a\": is not an object");
  CHECK(error_of(R"({"a":{"dtype":"F32","shape":[]}})", 0) ==
        "f: tensor \"a\": expected exactly dtype, shape and data_offsets");
  CHECK(error_of("{\"a\":{" + f32 + R"("shape":[],"data_offsets":[0,4],"x":1}})", 4) ==
        "f: tensor \"a\": expected exactly dtype, shape and data_offsets");
  CHECK(error_of(R"({"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})", 8) ==
        "f: tensor \"a\": dtype \"F64\", expected F32, F16, U8, I32 or I64");
  for (const char* shape : {"[-1]", "[1.5]", "[\"1\"]", "[null]", "[18446744073709551615]"}) {
    CHECK(error_of("{\"a\":{" + f32 + "\"shape\":" + shape + R"(,"data_offsets":[0,4]}})", 4).find("expected a size") !=
          std::string::npos);
  }
  CHECK(error_of("{\"a\":{" + f32 + R"("shape":[4611686018427387904,2],"data_offsets":[0,4]}})", 4) ==
        "f: tensor \"a\": shape (4611686018427387904, 2) has more bytes than int64 counts");
  CHECK(error_of("{\"a\":{" + f32 + R"("shape":[4611686018427387904,4,0],"data_offsets":[0,0]}})", 0) ==
        "f: tensor \"a\": shape (4611686018427387904, 4, 0) has more bytes than int64 counts");
  CHECK(error_of("{\"a\":{" + f32 + R"("shape":[3],"data_offsets":[0,8]}})", 8) ==
        "f: tensor \"a\": shape (3) of F32 takes 12 bytes, data_offsets span 8");
  for (const char* offsets : {"[8,0]", "[0]", "[0,4,8]", "[-4,0]", "0", "[0,1e1]"}) {
    CHECK(error_of("{\"a\":{" + f32 + R"("shape":[1],"data_offsets":)" + offsets + "}}", 8) ==
          "f: tensor \"a\": data_offsets are not two sizes in rising order");
  }
  const auto two = [&](const std::string& first, const std::string& second, size_t bytes) {
    return error_of("{\"a\":{" + f32 + "\"shape\":[1],\"data_offsets\":" + first + "},\"b\":{" + f32 +
                        "\"shape\":[1],\"data_offsets\":" + second + "}}",
                    bytes);
  };
  CHECK(two("[4,8]", "[0,4]", 8).empty());
  CHECK(two("[0,4]", "[4,8]", 7) == "f: tensor \"b\" ends at byte 8 of the data, the file has 7");
  CHECK(two("[0,4]", "[3,7]", 8) == "f: tensor \"b\" begins at byte 3 of the data, expected 4 (overlap)");
  CHECK(two("[0,4]", "[0,4]", 8) == "f: tensor \"b\" begins at byte 0 of the data, expected 4 (overlap)");
  CHECK(two("[0,4]", "[5,9]", 9) == "f: tensor \"b\" begins at byte 5 of the data, expected 4 (hole)");
  CHECK(two("[0,4]", "[4,8]", 9) == "f: the tensors take 8 bytes of data, the file has 9");
}

TEST_CASE("repeated keys are refused wherever they are, and so is nesting without end") {
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  CHECK(error_of("{" + a + "," + a + "}", 1) == "f: the header names \"a\" twice");
  CHECK(error_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1) ==
        "f: the header names \"dtype\" twice");
  CHECK(error_of(R"({"__metadata__":{"k":"1","k":"2"}})", 0) == "f: the header names \"k\" twice");
  CHECK(error_of(R"({"__metadata__":{"k":"1"},"__metadata__":{"j":"2"}})", 0) ==
        "f: the header names \"__metadata__\" twice");
  const std::string deep(1 << 20, '[');
  CHECK(error_of("{\"a\":" + deep, 0).find("nested") != std::string::npos);
}

TEST_CASE("an announced header larger than the file, or larger than any header, is refused before it is read") {
  CHECK(SafetensorsReader::from_memory("", "f").message() == "f: 0 bytes, a safetensors file has at least 8");
  CHECK(SafetensorsReader::from_memory(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "f").message() ==
        "f: header of 18446744073709551615 bytes announced, 2 follow (truncated, or not a safetensors file)");
  const std::string large = with_length(std::string((size_t{16} << 20) + 1, ' '), "");
  CHECK(SafetensorsReader::from_memory(large, "f").message() ==
        "f: header of 16777217 bytes, at most 16777216 are read");
}

TEST_CASE("a file cut at any byte is refused") {
  const TemporaryFolder folder;
  REQUIRE(write_safetensors(folder / "a", one_of_each(), {{"k", "v"}}).ok());
  const std::string whole = slurp(folder / "a");
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    CHECK_MESSAGE(!SafetensorsReader::from_memory(cut, "f").ok(), length);
  }
  CHECK(!SafetensorsReader::from_memory(whole + '\0', "f").ok());
}

// Whatever the bytes say, the reader answers, and what it accepts lies within the file.
TEST_CASE("corrupted headers never crash the reader nor lead it outside the file") {
  const TemporaryFolder folder;
  REQUIRE(write_safetensors(folder / "a", one_of_each(), {{"k", "v"}}).ok());
  const std::string whole = slurp(folder / "a");
  const size_t header_end = 8 + static_cast<unsigned char>(whole[0]) + 256 * static_cast<unsigned char>(whole[1]);
  const std::string alphabet("\"{}[]:,0123456789-.eE \\ntfu\0\xff\x80", 30);
  std::mt19937 random(20250811);
  int accepted = 0;
  const auto probe = [&](const std::string& file) {
    const Result<SafetensorsReader> reader = SafetensorsReader::from_memory(file, "f");
    if (!reader.ok()) return;
    ++accepted;
    for (const SafetensorsEntry& e : reader.value().entries()) {
      const Tensor t = reader.value().read(e.name, "test").value();
      CHECK(t.bytes() <= file.size());
    }
  };
  for (size_t at = 0; at < header_end; ++at) {
    for (int flip = 0; flip < 8; ++flip) {
      std::string file = whole;
      file[at] = static_cast<char>(file[at] ^ (1 << flip));
      probe(file);
    }
  }
  for (int round = 0; round < 5000; ++round) {
    std::string file = whole;
    for (int change = 0; change < 1 + round % 4; ++change) {
      const size_t at = round % 3 == 0 ? random() % header_end : 8 + random() % (header_end - 8);
      const char with = alphabet[random() % alphabet.size()];
      const int kind = static_cast<int>(random() % 3);
      if (kind == 0) file[at] = with;
      if (kind == 1) file.erase(at, 1 + random() % 5);
      if (kind == 2) file.insert(at, 1 + random() % 3, with);
    }
    probe(file);
  }
  CHECK(accepted > 0);  // flips inside names and metadata leave valid files
}

TEST_CASE("an absent tensor, another dtype and another shape are errors that name both sides") {
  const TemporaryFolder folder;
  REQUIRE(write_safetensors(folder / "a", {{"w", counting({2, 3}, DType::kFloat32)}}).ok());
  const SafetensorsReader reader = SafetensorsReader::open(folder / "a").value();
  CHECK(reader.find("v") == nullptr);
  CHECK(reader.read("v", "test").message() == (folder / "a") + ": no tensor \"v\" among its 1");
  CHECK(reader.read("w", DType::kFloat16, {2, 3}, "test").message() ==
        (folder / "a") + ": tensor \"w\" is F32 (2, 3), expected F16 (2, 3)");
  CHECK(reader.read("w", DType::kFloat32, {3, 2}, "test").message() ==
        (folder / "a") + ": tensor \"w\" is F32 (2, 3), expected F32 (3, 2)");
}

TEST_CASE("missing files, folders and files that shrink after they were opened are errors") {
  const TemporaryFolder folder;
  CHECK(SafetensorsReader::open(folder / "a").message() == (folder / "a") + ": No such file or directory");
  CHECK(SafetensorsReader::open(folder.path()).message() == folder.path() + ": not a regular file");
  REQUIRE(write_safetensors(folder / "a", {{"w", counting({1000}, DType::kFloat32)}}).ok());
  const SafetensorsReader reader = SafetensorsReader::open(folder / "a").value();
  fs::resize_file(folder / "a", 500);
  CHECK(reader.read("w", "test").message().find("tensor \"w\": ends at byte 500, it had 4") != std::string::npos);
}

TEST_CASE("a file appears only when it is finished, and replaces the old one whole") {
  const TemporaryFolder folder;
  REQUIRE(write_safetensors(folder / "a", {{"old", counting({1}, DType::kUInt8)}}).ok());
  {
    SafetensorsWriter writer = SafetensorsWriter::create(folder / "a", {{"new", DType::kUInt8, {4}}}).value();
    CHECK(folder.num_entries() == 2);
    REQUIRE(writer.append("ab", 2).ok());
    CHECK(writer.append("cde", 3).message() == (folder / "a") + ": 2 bytes written and 3 more, declared were 4");
    CHECK(writer.finish().message() == (folder / "a") + ": 2 bytes of data written, declared were 4");
    CHECK(SafetensorsReader::open(folder / "a").value().find("old") != nullptr);
    SafetensorsWriter moved = std::move(writer);
    REQUIRE(moved.append("cd", 2).ok());
    REQUIRE(moved.finish().ok());
    CHECK_THROWS_AS((void)moved.append("e", 1), Error);
    CHECK_THROWS_AS((void)moved.finish(), Error);
  }
  const SafetensorsReader reader = SafetensorsReader::open(folder / "a").value();
  CHECK(std::memcmp(reader.read("new", "test").value().raw(), "abcd", 4) == 0);
  { const auto abandoned = SafetensorsWriter::create(folder / "b", {{"x", DType::kUInt8, {1}}}).value(); }
  CHECK(folder.num_entries() == 1);
  CHECK(SafetensorsWriter::create(folder / "no/folder", {}).message().find("No such file") != std::string::npos);
}

TEST_CASE("what killed writers with this process's number have left does not stop a writer") {
  const TemporaryFolder folder;
  for (int i = 0; i < 1000; ++i) {
    std::ofstream(folder / text(".assay-tmp-", ::getpid(), "-", i, ".safetensors")) << "half";
  }
  CHECK(write_safetensors(folder / "a", one_of_each()).ok());
  CHECK(SafetensorsReader::open(folder / "a").ok());
}

TEST_CASE("a disk that fills up and a name that cannot be taken are errors, and leave nothing behind") {
  const TemporaryFolder folder;
  {
    // A limit on the size of files acts like a full disk.
    rlimit before = {};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit small = {1000, before.rlim_max};
    ::signal(SIGXFSZ, SIG_IGN);  // the write itself then fails
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const Status status = write_safetensors(folder / "a", {{"w", counting({1000}, DType::kFloat32)}});
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK(status.message().find("File too large") != std::string::npos);
    CHECK(folder.num_entries() == 0);
  }
  fs::create_directory(folder / "a");
  CHECK(write_safetensors(folder / "a", {}).message() == (folder / "a") + ": Is a directory");
  CHECK(folder.num_entries() == 1);
}

TEST_CASE("declarations that a reader would refuse are not written") {
  const TemporaryFolder folder;
  const auto error = [&](const std::vector<SafetensorsDeclaration>& tensors, const SafetensorsMetadata& metadata) {
    return SafetensorsWriter::create(folder / "a", tensors, metadata).message();
  };
  CHECK(error({{"x", DType::kUInt8, {1}}, {"x", DType::kUInt8, {1}}}, {}) ==
        (folder / "a") + ": tensor \"x\": this name is taken");
  CHECK(error({{"__metadata__", DType::kUInt8, {1}}}, {}).find("taken") != std::string::npos);
  CHECK(error({{"x", DType::kUInt8, Shape(9, 1)}}, {}).find("more than 8 axes") != std::string::npos);
  CHECK(error({{"x", DType::kInt64, {INT64_MAX}}}, {}).find("int64 counts") != std::string::npos);
  CHECK(error({{"x", DType::kUInt8, {INT64_MAX}}, {"y", DType::kUInt8, {1}}}, {}).find("int64 counts") !=
        std::string::npos);
  CHECK(error({{"x", DType::kUInt8, {-1}}}, {}).find("negative") != std::string::npos);
  CHECK(error({}, {{"k", "\xff"}}).find("not valid UTF-8") != std::string::npos);
  CHECK(error({}, {{"k", std::string(size_t{17} << 20, 'x')}}).find("at most 16777216") != std::string::npos);
  CHECK(folder.num_entries() == 0);
}

}  // namespace
}  // namespace assay::io
