// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/spill_store.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "kernels/base/parallel.h"

namespace assay::pipeline {
namespace {

std::string test_folder() { return std::getenv("TEST_TMPDIR") ? std::getenv("TEST_TMPDIR") : "."; }

Tensor numbered(int64_t key) {
  Tensor t = Tensor::empty<float>({key % 5, 7}, "test");
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>(key * 1000 + i);
  return t;
}

TEST_CASE("what was put comes back the same from memory and from the file, written from several threads") {
  set_num_threads(4);
  for (const int64_t budget : {int64_t{0}, int64_t{500}, int64_t{1} << 30}) {
    SpillStore store(64, budget, test_folder(), "test features");
    parallel_for(64, 1, [&](int64_t key, int64_t) { REQUIRE(store.put(key, numbered(key)).ok()); });
    CHECK(store.bytes_in_memory() <= budget);
    CHECK((store.bytes_in_file() > 0) == (budget < 3000));
    parallel_for(64, 1, [&](int64_t key, int64_t) {
      const Tensor expected = numbered(key);
      const Tensor found = store.get(key);
      REQUIRE(found.shape() == expected.shape());
      if (expected.bytes() > 0) CHECK(std::memcmp(found.raw(), expected.raw(), expected.bytes()) == 0);
    });
  }
}

TEST_CASE("the spill file leaves nothing behind in its folder") {
  const std::string folder = test_folder() + "/spill_leaves_nothing";
  std::filesystem::create_directory(folder);
  SpillStore store(1, 0, folder, "test features");
  REQUIRE(store.put(0, numbered(3)).ok());
  CHECK(std::filesystem::is_empty(folder));
}

TEST_CASE("a folder that does not exist is an error only when it is needed") {
  SpillStore roomy(1, 1 << 20, "/nonexistent", "test features");
  CHECK(roomy.put(0, numbered(3)).ok());
  SpillStore tight(1, 0, "/nonexistent", "test features");
  CHECK(tight.put(0, numbered(3)).message().find("/nonexistent: cannot make a file for test features") == 0);
}

TEST_CASE("a key is put once, and read only after that") {
  SpillStore store(2, 1 << 20, test_folder(), "test features");
  CHECK_FALSE(store.has(0));
  CHECK_THROWS_AS(store.get(0), Error);
  REQUIRE(store.put(0, numbered(1)).ok());
  CHECK(store.has(0));
  CHECK_THROWS_AS((void)store.put(0, numbered(1)), Error);
}

// The descriptor of the file that this process has opened and removed in `folder`.
int removed_file_in(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = std::filesystem::read_symlink(entry.path(), ignored).string();
    if (target.find(folder) != std::string::npos && target.find("(deleted)") != std::string::npos) {
      return std::stoi(entry.path().filename().string());
    }
  }
  return -1;
}

TEST_CASE("a bit that has turned in the file is an error, wherever it is") {
  const std::string folder = std::filesystem::absolute(test_folder()).string() + "/spill_notices_damage";
  std::filesystem::create_directory(folder);
  SpillStore store(1, 0, folder, "test features");
  const Tensor tensor = numbered(3).reshape({21}).rows(0, 19);  // 76 bytes: the last word is half a word
  REQUIRE(store.put(0, tensor).ok());
  const int file = removed_file_in(folder);
  REQUIRE(file >= 0);
  for (const off_t at : {0, 37, 75}) {
    CAPTURE(at);
    char byte = 0;
    REQUIRE(::pread(file, &byte, 1, at) == 1);
    const char turned = static_cast<char>(byte ^ 0x10);
    REQUIRE(::pwrite(file, &turned, 1, at) == 1);
    CHECK_THROWS_WITH_AS(store.get(0), doctest::Contains("test features have come back from the file damaged"), Error);
    REQUIRE(::pwrite(file, &byte, 1, at) == 1);
    CHECK(std::memcmp(store.get(0).raw(), tensor.raw(), tensor.bytes()) == 0);
  }
}

}  // namespace
}  // namespace assay::pipeline
