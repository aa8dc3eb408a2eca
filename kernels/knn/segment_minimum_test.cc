// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/segment_minimum.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/segment_minimum_ref.h"
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
using Offsets = std::vector<int64_t>;

// The (Q, J) table, computed with a row stride of J + 3 whose gaps must stay as they were.
std::vector<float> table_of(const std::vector<float>& queries, const std::vector<float>& references,
                            const Offsets& offsets, int64_t dim, int64_t slots = 2) {
  const int64_t num_queries = static_cast<int64_t>(queries.size()) / dim;
  const int64_t num_segments = static_cast<int64_t>(offsets.size()) - 1;
  const int64_t stride = num_segments + 3;
  TestBank packed(references, dim);
  GuardedBuffer<float> table(num_queries * stride);
  GuardedBuffer<char> workspace(segment_minimum_workspace_bytes(test_backend(), packed.shape(num_queries), slots), 0);
  Staging s;
  run(segment_minimum,
      SegmentMinimumArgs{s.in(queries), packed.view(s), s.in(offsets), s.out(table), num_queries, num_segments, stride,
                         s.out(workspace), workspace.size()},
      s.stream());
  s.finish();
  CHECK(packed.untouched());
  CHECK(table.guards_intact());
  CHECK(workspace.guards_intact());
  std::vector<float> dense;
  for (int64_t q = 0; q < num_queries; ++q) {
    const float* row = table.data() + q * stride;
    dense.insert(dense.end(), row, row + num_segments);
    for (int64_t j = num_segments; j < stride; ++j) {
      uint32_t bits;
      std::memcpy(&bits, row + j, 4);
      CHECK(bits == 0xffffffff);
    }
  }
  return dense;
}

void check_against_reference(const std::vector<float>& queries, const std::vector<float>& references,
                             const Offsets& offsets, int64_t dim) {
  const std::vector<float> table = table_of(queries, references, offsets, dim);
  const size_t num_segments = offsets.size() - 1;
  for (size_t i = 0; i < table.size(); ++i) {
    const size_t j = i % num_segments;
    const ref::SegmentDistance expected =
        ref::segment_minimum(queries.data() + i / num_segments * dim, references, offsets[j], offsets[j + 1], dim);
    if (offsets[j] == offsets[j + 1]) {
      CHECK(table[i] == kInf);
    } else {
      CHECK(table[i] >= 0.0f);
      CHECK(std::abs(table[i] - expected.distance2) <= expected.tolerance);
    }
  }
}

TEST_CASE("segment_minimum holds for segments that begin and end anywhere in a panel, on every instruction set") {
  const std::vector<Offsets> cuts = {
      {0, 1},
      {0, 32, 64},
      {0, 31, 64, 97},
      {0, 0, 5, 5, 5, 6, 40, 41, 100, 100},
      {0, 15, 16, 17, 33, 47, 48, 49, 63, 65},
      {0, 200},
      {0, 100, 500, 513, 513, 1000, 1001, 1025},  // CUDA: five parts, segments across tiles and parts
      {0, 0, 0},
      {0},
  };
  for_each_target([&](const char* target) {
    CAPTURE(target);
    for (const Offsets& offsets : cuts) {
      CAPTURE(offsets.size());
      for (const int64_t num_queries : {1, 13, 14, 15}) {
        check_against_reference(random_rows(num_queries, 19, 1), random_rows(offsets.back(), 19, 2), offsets, 19);
      }
    }
  });
}

TEST_CASE("segment_minimum holds against the reference on random shapes and cuts") {
  std::mt19937 generator(3);
  for (int round = 0; round < 60; ++round) {
    const int64_t dim = 1 + generator() % 200;
    const int64_t num_queries = generator() % 150;
    Offsets offsets = {0};
    for (size_t j = generator() % 20; j > 0; --j) offsets.push_back(offsets.back() + generator() % 60);
    CAPTURE(dim);
    CAPTURE(num_queries);
    check_against_reference(random_rows(num_queries, dim, round), random_rows(offsets.back(), dim, round + 99), offsets,
                            dim);
  }
}

TEST_CASE("segment_minimum is exact on whole numbers and ignores the order of rows within a segment") {
  const int64_t dim = 4;
  const Offsets offsets = {0, 40, 77, 150};
  const std::vector<float> queries = whole_rows(20, dim, 4);
  const std::vector<float> references = whole_rows(150, dim, 5);
  std::vector<float> swapped = references;
  for (int64_t d = 0; d < dim; ++d) std::swap(swapped[41 * dim + d], swapped[76 * dim + d]);
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const std::vector<float> table = table_of(queries, references, offsets, dim);
    CHECK(table == table_of(queries, swapped, offsets, dim));
    for (size_t i = 0; i < table.size(); ++i) {
      const size_t j = i % 3;
      CHECK(table[i] == static_cast<float>(ref::segment_minimum(queries.data() + i / 3 * dim, references, offsets[j],
                                                                offsets[j + 1], dim)
                                               .distance2));
    }
  });
}

TEST_CASE("segment_minimum is never negative where the expansion cancels") {
  std::vector<float> references = random_rows(90, 64, 6);
  for (float& v : references) v += 1000.0f;
  check_against_reference(references, references, {0, 30, 60, 90}, 64);
}

TEST_CASE("segment_minimum counts a NaN or overflowing distance as infinity, and keeps it out of the others") {
  const int64_t dim = 8;
  std::vector<float> references = random_rows(60, dim, 7);
  for (int64_t row = 0; row < 20; ++row) references[row * dim + row % 8] = kNaN;
  references[20 * dim] = kInf;
  references[21 * dim] = 1e30f;
  std::vector<float> queries = random_rows(9, dim, 8);
  queries[2 * dim + 1] = kNaN;
  queries[4 * dim + 1] = -kInf;
  for (int64_t d = 0; d < dim; ++d) queries[6 * dim + d] = 3e25f;
  for_each_target([&](const char* target) {
    CAPTURE(target);
    const std::vector<float> table = table_of(queries, references, {0, 10, 25, 60}, dim);
    const std::vector<float> rest(references.begin() + 22 * dim, references.begin() + 25 * dim);
    const std::vector<float> alone = table_of(queries, rest, {0, 3}, dim);
    for (int64_t q = 0; q < 9; ++q) {
      const bool bad_query = q == 2 || q == 4 || q == 6;
      CHECK(table[q * 3] == kInf);
      CHECK((table[q * 3 + 1] == kInf) == bad_query);
      CHECK((table[q * 3 + 2] == kInf) == bad_query);
      CHECK(table[q * 3 + 1] == alone[q]);
    }
  });
}

TEST_CASE("segment_minimum is the same, bit for bit, for any number of threads, any workspace and any place") {
  const std::vector<float> queries = random_rows(1000, 21, 9);
  const std::vector<float> references = random_rows(123, 21, 10);
  const Offsets offsets = {0, 50, 123};
  for_each_target([&](const char* target) {
    CAPTURE(target);
    set_num_threads(1);
    const std::vector<float> one = table_of(queries, references, offsets, 21, 1);
    for (const int threads : {2, 5}) {
      if (on_cuda()) break;  // threads and slots are the CPU's
      set_num_threads(threads);
      for (const int64_t slots : {1, 2, 7}) CHECK(table_of(queries, references, offsets, 21, slots) == one);
    }
    const std::vector<float> second(references.begin() + 50 * 21, references.end());
    const std::vector<float> alone = table_of(queries, second, {0, 73}, 21);
    for (int64_t q = 0; q < 1000; ++q) CHECK(alone[q] == one[q * 2 + 1]);
  });
  set_num_threads(2);
}

// On CUDA a bank of 1100 rows is scanned in five parts of tiles of 128 rows, one of 700 in three.
TEST_CASE("segment_minimum is the same, bit for bit, however tiles and parts cut the segment") {
  const int64_t dim = 13;
  const std::vector<float> queries = random_rows(131, dim, 11);
  const std::vector<float> references = random_rows(1100, dim, 12);
  const std::vector<float> whole = table_of(queries, references, {0, 399, 1099, 1100}, dim);
  for (const int64_t begin : {399, 300, 256, 1}) {
    CAPTURE(begin);
    const std::vector<float> rest(references.begin() + begin * dim, references.end());
    const std::vector<float> table = table_of(queries, rest, {0, 399 - begin, 1099 - begin, 1100 - begin}, dim);
    int64_t wrong = 0;
    for (int64_t q = 0; q < 131; ++q) {
      wrong += table[q * 3 + 1] != whole[q * 3 + 1];
      wrong += table[q * 3 + 2] != whole[q * 3 + 2];
    }
    CHECK(wrong == 0);
  }
}

}  // namespace
}  // namespace assay::kernels
