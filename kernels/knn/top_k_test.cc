// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/top_k.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/nearest_neighbour_ref.h"
#include "kernels/knn/test_banks.h"
#include "kernels/knn/top_k_ref.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/staging.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using assay::testing::for_each_target;
using assay::testing::GuardedBuffer;
using assay::testing::on_cuda;
using assay::testing::Staging;
using assay::testing::test_backend;
using testing::random_rows;
using testing::TestBank;
using testing::whole_rows;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Answer {
  std::vector<float> distance2;
  std::vector<int64_t> index;
  bool operator==(const Answer& o) const { return distance2 == o.distance2 && index == o.index; }
};

Answer find_k(const std::vector<float>& queries, const std::vector<float>& bank, int64_t dim, int64_t k,
              int64_t slots = 2, int64_t workspace_bytes = -1) {
  const int64_t num_queries = static_cast<int64_t>(queries.size()) / dim;
  TestBank packed(bank, dim);
  GuardedBuffer<float> distance2(num_queries * k);
  GuardedBuffer<int64_t> index(num_queries * k);
  if (workspace_bytes < 0) {
    workspace_bytes = top_k_workspace_bytes(test_backend(), packed.shape(num_queries), k, slots);
  }
  GuardedBuffer<char> workspace(workspace_bytes, 0);
  Staging s;
  run(top_k,
      TopKArgs{s.in(queries), packed.view(s), s.out(distance2), s.out(index), num_queries, k, s.out(workspace),
               workspace.size()},
      s.stream());
  s.finish();
  CHECK(packed.untouched());
  CHECK(distance2.guards_intact());
  CHECK(index.guards_intact());
  CHECK(workspace.guards_intact());
  return {distance2.values(), index.values()};
}

// Sorted, unique, with the distances of the rows named, and no row left out that is nearer than the last beyond error.
void check_query(const float* query, const std::vector<float>& bank, int64_t dim, const float* distance2,
                 const int64_t* index, int64_t k) {
  const std::vector<double> all = ref::distances2(query, bank, dim);
  const int64_t present = std::min<int64_t>(k, all.size());
  std::set<int64_t> taken;
  double slack = 0;
  for (int64_t row = 0; row < static_cast<int64_t>(all.size()); ++row) {
    slack = std::max(slack, 2 * ref::expansion_error(query, bank.data() + row * dim, dim));
  }
  for (int64_t i = 0; i < present; ++i) {
    REQUIRE(index[i] >= 0);
    REQUIRE(index[i] < static_cast<int64_t>(all.size()));
    CHECK(taken.insert(index[i]).second);
    CHECK(std::abs(distance2[i] - all[index[i]]) <= 1e-6 * all[index[i]]);
    if (i > 0) CHECK(std::make_pair(distance2[i - 1], index[i - 1]) < std::make_pair(distance2[i], index[i]));
  }
  for (int64_t row = 0; row < static_cast<int64_t>(all.size()); ++row) {
    if (taken.count(row) == 0) CHECK(all[index[present - 1]] - all[row] <= slack);
  }
  for (int64_t i = present; i < k; ++i) {
    CHECK(index[i] == -1);
    CHECK(distance2[i] == kInf);
  }
}

TEST_CASE("top_k is sorted, unique and complete on every instruction set") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t k : {1, 2, 9, 31, 64}) {
      for (const int64_t num_rows : {1, 8, 9, 33, 200}) {
        for (const int64_t num_queries : {1, 13, 15}) {
          CAPTURE(k);
          CAPTURE(num_rows);
          const std::vector<float> queries = random_rows(num_queries, 11, 1);
          const std::vector<float> bank = random_rows(num_rows, 11, 2);
          const Answer answer = find_k(queries, bank, 11, k);
          for (int64_t q = 0; q < num_queries; ++q) {
            check_query(&queries[q * 11], bank, 11, &answer.distance2[q * k], &answer.index[q * k], k);
          }
        }
      }
    }
  });
}

TEST_CASE("top_k breaks ties towards the lower index") {
  const int64_t dim = 3, k = 20;
  const std::vector<float> queries = whole_rows(30, dim, 3);
  const std::vector<float> bank = whole_rows(400, dim, 4);  // 125 different rows: duplicates everywhere
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const Answer answer = find_k(queries, bank, dim, k);
    for (int64_t q = 0; q < 30; ++q) {
      const std::vector<ref::Neighbour> expected = ref::top_k(&queries[q * dim], bank, dim, k);
      for (int64_t i = 0; i < k; ++i) {
        CHECK(answer.index[q * k + i] == expected[i].second);
        CHECK(answer.distance2[q * k + i] == static_cast<float>(expected[i].first));
      }
    }
  });
}

TEST_CASE("top_k with k = 1 and nearest_neighbour give the same bits") {
  const std::vector<float> queries = random_rows(100, 30, 5);
  const std::vector<float> bank = random_rows(333, 30, 6);
  const Answer answer = find_k(queries, bank, 30, 1);
  TestBank packed(bank, 30);
  GuardedBuffer<float> distance2(100);
  GuardedBuffer<int64_t> index(100);
  GuardedBuffer<char> workspace(nearest_neighbour_workspace_bytes(test_backend(), packed.shape(100), 1), 0);
  Staging s;
  run(nearest_neighbour,
      NearestNeighbourArgs{s.in(queries), packed.view(s), s.out(distance2), s.out(index), 100, s.out(workspace),
                           workspace.size()},
      s.stream());
  s.finish();
  const Answer nearest{distance2.values(), index.values()};
  CHECK(answer == nearest);
}

TEST_CASE("top_k never takes a row with a NaN and fills what is left with -1 and infinity") {
  std::vector<float> queries = random_rows(5, 8, 7);
  queries[2 * 8] = kNaN;
  std::vector<float> bank = random_rows(40, 8, 8);
  for (int64_t row = 0; row < 36; ++row) bank[row * 8 + row % 8] = row % 2 ? kNaN : kInf;
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const Answer answer = find_k(queries, bank, 8, 6);
    for (int64_t q = 0; q < 5; ++q) {
      for (int64_t i = 0; i < 6; ++i) {
        const bool filled = q != 2 && i < 4;
        CHECK((answer.index[q * 6 + i] >= 36) == filled);
        CHECK(std::isfinite(answer.distance2[q * 6 + i]) == filled);
        if (!filled) CHECK(answer.index[q * 6 + i] == -1);
      }
    }
  });
  CHECK(find_k(queries, {}, 8, 2).index == std::vector<int64_t>(10, -1));
}

TEST_CASE("top_k is the same, bit for bit, for any number of threads and any workspace") {
  if (on_cuda()) return;  // threads and slots are the CPU's; CUDA's parts have their own test
  const std::vector<float> queries = random_rows(700, 20, 9);
  const std::vector<float> bank = random_rows(301, 20, 10);
  set_num_threads(1);
  const Answer one = find_k(queries, bank, 20, 9, 1);
  for (const int threads : {2, 5}) {
    set_num_threads(threads);
    for (const int64_t slots : {1, 2, 7}) CHECK(find_k(queries, bank, 20, 9, slots) == one);
  }
  set_num_threads(2);
}

TEST_CASE("top_k is the same, bit for bit, however many parts CUDA cuts the bank into") {
  if (!on_cuda()) return;  // the CPU scans the bank as a whole
  const int64_t num_queries = 133, num_rows = 1300;
  const std::vector<float> queries = whole_rows(num_queries, 3, 11), ties = whole_rows(num_rows, 3, 12);
  for (const int64_t k : {1, 33, 64}) {
    CAPTURE(k);
    const int64_t part_bytes = 12 * num_queries * k;
    CHECK(top_k_workspace_bytes(Backend::kCuda, {num_queries, num_rows, 3}, k, 1) == 6 * part_bytes);
    const Answer one = find_k(queries, ties, 3, k, 1, part_bytes);
    for (int64_t q = 0; q < num_queries; ++q) {
      const std::vector<ref::Neighbour> expected = ref::top_k(&queries[q * 3], ties, 3, k);
      for (int64_t i = 0; i < k; ++i) CHECK(one.index[q * k + i] == expected[i].second);
    }
    for (const int64_t parts : {2, 3, 6}) CHECK(find_k(queries, ties, 3, k, 1, parts * part_bytes) == one);
    CHECK_THROWS_AS(find_k(queries, ties, 3, k, 1, part_bytes - 1), Error);
  }
}

}  // namespace
}  // namespace assay::kernels
