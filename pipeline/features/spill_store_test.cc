// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/spill_store.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

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

}  // namespace
}  // namespace assay::pipeline
