// SPDX-License-Identifier: Apache-2.0
#include "kernels/base/parallel.h"

#include <doctest/doctest.h>

#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "kernels/base/check.h"

namespace assay {
namespace {

TEST_CASE("parallel_for visits every element once, cut by count and grain alone") {
  for (const int threads : {1, 2, 7}) {
    set_num_threads(threads);
    for (const int64_t count : {0, 1, 5, 64, 65, 1000}) {
      for (const int64_t grain : {1, 3, 64}) {
        std::vector<int> visits(count, 0);
        std::set<std::pair<int64_t, int64_t>> pieces;
        std::mutex mutex;
        parallel_for(count, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) ++visits[i];
          const std::lock_guard<std::mutex> lock(mutex);
          pieces.insert({begin, end});
        });
        CHECK(visits == std::vector<int>(count, 1));
        CHECK(static_cast<int64_t>(pieces.size()) == (count + grain - 1) / grain);
        for (const auto& [begin, end] : pieces) CHECK(begin % grain == 0);
      }
    }
  }
}

TEST_CASE("a nested parallel_for runs and completes") {
  set_num_threads(2);
  std::vector<int> visits(100, 0);
  parallel_for(10, 1, [&](int64_t outer, int64_t) {
    parallel_for(10, 1, [&](int64_t inner, int64_t) { ++visits[outer * 10 + inner]; });
  });
  CHECK(visits == std::vector<int>(100, 1));
}

TEST_CASE("an exception from a body reaches the caller, and the pool still works after it") {
  set_num_threads(2);
  CHECK_THROWS_WITH_AS(parallel_for(100, 1,
                                    [](int64_t i, int64_t) {
                                      if (i == 37) throw Error("piece 37");
                                    }),
                       "piece 37", Error);
  int sum = 0;
  parallel_for(3, 3, [&](int64_t, int64_t end) { sum += static_cast<int>(end); });
  CHECK(sum == 3);
}

TEST_CASE("a grain below one and a thread count below one are refused") {
  CHECK_THROWS_AS(parallel_for(3, 0, [](int64_t, int64_t) {}), Error);
  CHECK_THROWS_AS(set_num_threads(0), Error);
}

}  // namespace
}  // namespace assay
