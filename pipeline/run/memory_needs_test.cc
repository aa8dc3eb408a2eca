// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/memory_needs.h"

#include <doctest/doctest.h>

namespace assay::pipeline {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

TEST_CASE("needs are counted from images, patches and what the detectors keep") {
  RunOptions options;
  options.detector_options.patchcore.space.width = 100;
  options.detector_options.patchcore.space.reference_share = 0.25;
  const MemoryNeeds both = memory_needs(options, 1000, 200, 160);
  CHECK(both.feature_bytes == 1000 * 200 * 160 * 2);
  CHECK(both.table_bytes == int64_t{1000} * 200 * 1000 * 2);
  CHECK(both.bank_bytes == 1000 * 50 * 201 * 4);
  options.single_stage = true;
  CHECK(memory_needs(options, 1000, 200, 160).table_bytes == 0);
  CHECK(memory_needs(options, 1000, 200, 160).bank_bytes == both.bank_bytes);
  options.single_stage = false;
  options.detector = "padim";
  CHECK(memory_needs(options, 1000, 200, 160).table_bytes == 0);
  CHECK(memory_needs(options, 1000, 200, 160).bank_bytes == 0);
  options.stage1_detector = "patchcore";
  CHECK(memory_needs(options, 1000, 200, 160).table_bytes == both.table_bytes);
  options = RunOptions();
  options.detector = "softpatch";
  CHECK(memory_needs(options, 1000, 200, 160).table_bytes == 0);
  CHECK(memory_needs(options, 1000, 200, 160).bank_bytes == 1000 * 200 * 2 * 128 * 4);
  CHECK(memory_needs(options, 1000, 200, 100).bank_bytes == 1000 * 200 * 2 * 100 * 4);
  options.stage1_detector = "patchcore";
  CHECK(memory_needs(options, 1000, 200, 160).table_bytes == both.table_bytes);
  CHECK(memory_needs(options, 1000, 200, 160).bank_bytes == 1000 * 200 * 2 * 128 * 4);
  options.detector = options.stage1_detector;
  options.detector_options.patchcore.selector = models::PatchcoreOptions::Selector::kGreedy;
  CHECK(memory_needs(options, 1000, 200, 160).bank_bytes == 1000 * 200 * 2 * 128 * 4);
}

TEST_CASE("what is kept in memory never exceeds three quarters of the limit, and is all there is under a large one") {
  const MemoryNeeds needs = {100 * kMiB, 40 * kMiB, 0};
  CHECK(cached_bytes(needs, 1000 * kMiB) == 140 * kMiB);
  CHECK(cached_bytes(needs, 100 * kMiB) == 75 * kMiB);
  CHECK(cached_bytes(needs, 41 * kMiB) == (41 * kMiB) / 2 + (41 * kMiB) / 4);
  CHECK(cached_bytes(needs, 39 * kMiB) == (39 * kMiB) / 2);  // no table
}

TEST_CASE("the largest limit that fits keeps to the room, and the next one does not") {
  const MemoryNeeds needs = {500 * kMiB, 300 * kMiB, 0};
  for (const int64_t room : {20, 100, 149, 151, 226, 300, 500, 700, 799}) {
    CAPTURE(room);
    const int64_t limit = largest_memory_limit(needs, room * kMiB);
    CHECK(limit % kMiB == 0);
    CHECK(cached_bytes(needs, limit) <= room * kMiB);
    CHECK(cached_bytes(needs, limit + kMiB) > room * kMiB);
  }
  CHECK(cached_bytes(needs, largest_memory_limit(needs, 800 * kMiB)) == 800 * kMiB);
  CHECK(largest_memory_limit(needs, int64_t{1} << 50) == 1201 * kMiB);  // holds everything
  CHECK(largest_memory_limit(needs, 7 * kMiB) == 0);
  CHECK(largest_memory_limit(needs, -kMiB) == 0);
  CHECK(largest_memory_limit({}, 0) == kLeastMemoryLimit);  // nothing to keep
}

}  // namespace
}  // namespace assay::pipeline
