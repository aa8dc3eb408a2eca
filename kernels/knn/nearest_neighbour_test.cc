// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/nearest_neighbour.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/nearest_neighbour_ref.h"
#include "kernels/knn/test_banks.h"
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

// Queries start at an odd address; outputs are guarded; inputs must survive. workspace_bytes: as much as is asked for.
Answer find_nearest(const std::vector<float>& queries, const std::vector<float>& bank, int64_t dim, int64_t slots = 2,
                    int64_t workspace_bytes = -1) {
  const int64_t num_queries = static_cast<int64_t>(queries.size()) / dim;
  TestBank packed(bank, dim);
  GuardedBuffer<float> shifted(static_cast<int64_t>(queries.size()));
  std::copy(queries.begin(), queries.end(), shifted.data());
  GuardedBuffer<float> distance2(num_queries);
  GuardedBuffer<int64_t> index(num_queries);
  if (workspace_bytes < 0) {
    workspace_bytes = nearest_neighbour_workspace_bytes(test_backend(), packed.shape(num_queries), slots);
  }
  GuardedBuffer<char> workspace(workspace_bytes, 0);
  Staging s;
  run(nearest_neighbour,
      NearestNeighbourArgs{s.in(shifted), packed.view(s), s.out(distance2), s.out(index), num_queries, s.out(workspace),
                           workspace.size()},
      s.stream());
  s.finish();
  CHECK(packed.untouched());
  CHECK(distance2.guards_intact());
  CHECK(index.guards_intact());
  CHECK(workspace.guards_intact());
  CHECK((queries.empty() || std::memcmp(shifted.data(), queries.data(), queries.size() * 4) == 0));
  return {distance2.values(), index.values()};
}

void check_against_reference(const std::vector<float>& queries, const std::vector<float>& bank, int64_t dim) {
  const Answer answer = find_nearest(queries, bank, dim);
  for (size_t q = 0; q < answer.index.size(); ++q) {
    const float* query = queries.data() + q * dim;
    const std::vector<double> all = ref::distances2(query, bank, dim);
    const int64_t best = std::min_element(all.begin(), all.end()) - all.begin();
    const int64_t chosen = answer.index[q];
    REQUIRE(chosen >= 0);
    REQUIRE(chosen < static_cast<int64_t>(all.size()));
    const double slack = ref::expansion_error(query, bank.data() + chosen * dim, dim) +
                         ref::expansion_error(query, bank.data() + best * dim, dim);
    CHECK(all[chosen] - all[best] <= slack);
    CHECK(std::abs(answer.distance2[q] - all[chosen]) <= 1e-6 * all[chosen]);
  }
}

TEST_CASE("nearest_neighbour finds the nearest row at every edge of tile, panel and block, on every instruction set") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    for (const int64_t num_queries : {1, 5, 6, 7, 13, 14, 15, 29}) {
      for (const int64_t num_rows : {1, 2, 31, 32, 33, 64, 97}) {
        for (const int64_t dim : {1, 3, 17}) {
          CAPTURE(num_queries);
          CAPTURE(num_rows);
          CAPTURE(dim);
          check_against_reference(random_rows(num_queries, dim, 1), random_rows(num_rows, dim, 2), dim);
        }
      }
    }
    check_against_reference(random_rows(900, 12, 3), random_rows(257, 12, 4), 12);  // blocks of 112 and a rest
    check_against_reference(random_rows(130, 1031, 5), random_rows(65, 1031, 6), 1031);
    check_against_reference(random_rows(129, 9, 19), random_rows(1025, 9, 20), 9);  // CUDA: two blocks, five parts
  });
}

TEST_CASE("nearest_neighbour holds against the reference on random shapes") {
  std::mt19937 generator(7);
  for (int round = 0; round < 60; ++round) {
    const int64_t dim = 1 + generator() % 200;
    const int64_t num_queries = 1 + generator() % 150;
    const int64_t num_rows = 1 + generator() % 300;
    CAPTURE(dim);
    CAPTURE(num_queries);
    CAPTURE(num_rows);
    check_against_reference(random_rows(num_queries, dim, round), random_rows(num_rows, dim, round + 1000), dim);
  }
}

TEST_CASE("nearest_neighbour breaks ties towards the lower index and is exact on whole numbers") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    const int64_t dim = 3;
    const std::vector<float> queries = whole_rows(40, dim, 8);
    const std::vector<float> bank = whole_rows(500, dim, 9);  // 125 different rows: duplicates everywhere
    const Answer answer = find_nearest(queries, bank, dim);
    for (size_t q = 0; q < answer.index.size(); ++q) {
      const std::vector<double> all = ref::distances2(queries.data() + q * dim, bank, dim);
      const auto best = std::min_element(all.begin(), all.end());  // the first of equals
      CHECK(answer.index[q] == best - all.begin());
      CHECK(answer.distance2[q] == static_cast<float>(*best));
    }
  });
}

TEST_CASE("nearest_neighbour gives 0, never less, for a query that lies in the bank far from the origin") {
  std::vector<float> bank = random_rows(200, 64, 10);
  for (float& v : bank) v += 1000.0f;
  const std::vector<float> queries(bank.begin() + 17 * 64, bank.begin() + 150 * 64);
  const Answer answer = find_nearest(queries, bank, 64);
  for (size_t q = 0; q < answer.index.size(); ++q) {
    CHECK(answer.distance2[q] >= 0.0f);
    if (answer.index[q] == static_cast<int64_t>(q) + 17) CHECK(answer.distance2[q] == 0.0f);
  }
}

TEST_CASE("nearest_neighbour is the same, bit for bit, for any number of threads and any workspace") {
  if (on_cuda()) return;  // threads and slots are the CPU's; CUDA's parts have their own test
  const std::vector<float> queries = random_rows(1500, 33, 11);
  const std::vector<float> bank = random_rows(301, 33, 12);
  for_each_target([&](const char* target) {
    CAPTURE(target);
    set_num_threads(1);
    const Answer one = find_nearest(queries, bank, 33, 1);
    for (const int threads : {2, 5}) {
      set_num_threads(threads);
      for (const int64_t slots : {1, 2, 7}) CHECK(find_nearest(queries, bank, 33, slots) == one);
    }
  });
  set_num_threads(2);
}

TEST_CASE("nearest_neighbour is the same, bit for bit, however many parts CUDA cuts the bank into") {
  if (!on_cuda()) return;  // the CPU scans the bank as a whole
  const int64_t num_queries = 130, num_rows = 1100, dim = 19;
  const std::vector<float> queries = whole_rows(num_queries, 3, 21), ties = whole_rows(num_rows, 3, 22);
  const std::vector<float> others = random_rows(num_queries, dim, 23), bank = random_rows(num_rows, dim, 24);
  const int64_t part_bytes = 12 * num_queries;
  const int64_t all = nearest_neighbour_workspace_bytes(Backend::kCuda, {num_queries, num_rows, dim}, 1);
  CHECK(all == 5 * part_bytes);
  const Answer tied = find_nearest(queries, ties, 3, 1, part_bytes);
  const Answer one = find_nearest(others, bank, dim, 1, part_bytes);
  for (const int64_t parts : {2, 3, 5}) {
    CHECK(find_nearest(queries, ties, 3, 1, parts * part_bytes) == tied);
    CHECK(find_nearest(others, bank, dim, 1, parts * part_bytes) == one);
  }
  CHECK_THROWS_AS(find_nearest(others, bank, dim, 1, part_bytes - 1), Error);
}

TEST_CASE("nearest_neighbour distances do not change when the bank is permuted") {
  const int64_t dim = 24;
  const std::vector<float> queries = random_rows(50, dim, 13);
  const std::vector<float> bank = random_rows(200, dim, 14);
  std::vector<float> reversed;
  for (int64_t row = 199; row >= 0; --row) {
    reversed.insert(reversed.end(), bank.begin() + row * dim, bank.begin() + (row + 1) * dim);
  }
  const Answer forward = find_nearest(queries, bank, dim);
  const Answer backward = find_nearest(queries, reversed, dim);
  CHECK(forward.distance2 == backward.distance2);
  for (size_t q = 0; q < forward.index.size(); ++q) CHECK(forward.index[q] == 199 - backward.index[q]);
}

TEST_CASE("nearest_neighbour never takes a row with a NaN or an overflowing norm") {
  for_each_target([](const char* target) {
    CAPTURE(target);
    std::vector<float> bank = random_rows(40, 8, 15);
    for (int64_t row = 0; row < 35; ++row) bank[row * 8 + row % 8] = row % 3 == 0 ? kNaN : row % 3 == 1 ? kInf : 1e30f;
    const Answer answer = find_nearest(random_rows(20, 8, 16), bank, 8);
    for (const int64_t index : answer.index) CHECK(index >= 35);
    for (const float distance2 : answer.distance2) CHECK(std::isfinite(distance2));
  });
}

TEST_CASE("nearest_neighbour without a row to take answers index -1 and infinity, for that query alone") {
  std::vector<float> queries = random_rows(16, 8, 17);
  queries[3 * 8 + 5] = kNaN;
  const std::vector<float> bank = random_rows(40, 8, 18);
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const Answer answer = find_nearest(queries, bank, 8);
    for (int64_t q = 0; q < 16; ++q) CHECK((answer.index[q] == -1) == (q == 3));
    for (int64_t q = 0; q < 16; ++q) CHECK((answer.distance2[q] == kInf) == (q == 3));
  });
  // The first of all numbers, from where CUDA copies nothing in the place of features past the last: width 20 has 12.
  std::vector<float> wide_queries = random_rows(16, 20, 19);
  wide_queries[0] = kNaN;
  const Answer wide = find_nearest(wide_queries, random_rows(40, 20, 20), 20);
  for (int64_t q = 0; q < 16; ++q) CHECK((wide.index[q] == -1) == (q == 0));
  const Answer empty_bank = find_nearest(queries, {}, 8);
  CHECK(empty_bank.index == std::vector<int64_t>(16, -1));
  CHECK(empty_bank.distance2 == std::vector<float>(16, kInf));
  CHECK(find_nearest({}, bank, 8).index.empty());
}

TEST_CASE("every compiled instruction set of this machine is really tested") {
  if (on_cuda()) return;  // one target
  std::vector<std::string> names;
  for_each_target([&](const char* target) { names.push_back(target); });
  CHECK(std::count(names.begin(), names.end(), "SCALAR") == 1);
  CHECK(std::count(names.begin(), names.end(), "AVX2") == (__builtin_cpu_supports("avx2") ? 1 : 0));
  CHECK(std::count(names.begin(), names.end(), "AVX3") == (__builtin_cpu_supports("avx512dq") ? 1 : 0));
}

}  // namespace
}  // namespace assay::kernels
