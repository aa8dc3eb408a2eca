// SPDX-License-Identifier: Apache-2.0
// Searches with a byte bank against the same searches without: same rows, same distances, bit for bit.
#include "kernels/knn/byte_search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/knn/byte_bank.h"
#include "kernels/knn/byte_codes.h"
#include "kernels/knn/nearest_neighbour.h"
#include "kernels/knn/query_blocks.h"
#include "kernels/knn/test_banks.h"
#include "kernels/knn/top_k.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/targets.h"

namespace assay::kernels {
namespace {

using assay::testing::GuardedBuffer;
using testing::random_rows;
using testing::TestBank;
using testing::whole_rows;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

bool skipped() {
  if (byte_banks_work()) return false;
  MESSAGE("skipped: no AVX-512 VNNI on this machine");
  return true;
}

struct Answer {
  std::vector<float> distance2;
  std::vector<int64_t> index;
};

bool same_bits(const Answer& a, const Answer& b) {
  return a.index == b.index && std::memcmp(a.distance2.data(), b.distance2.data(), 4 * a.distance2.size()) == 0;
}

// Rows and queries as a search sees them, with and without bytes.
class Search {
 public:
  Search(const std::vector<float>& queries, const std::vector<float>& rows, int64_t dim)
      : queries_(queries),
        rows_(rows),
        dim_(dim),
        packed_(rows, dim),
        bytes_(byte_bank_bytes(num_rows(), dim), 0),
        screened_(packed_.view()) {
    screened_.row_major = rows_.data();
    usable_ = pack_byte_bank(screened_, bytes_.data());
    if (usable_) screened_.byte_panels = bytes_.data();
    CHECK(bytes_.guards_intact());
  }
  bool usable() const { return usable_; }
  int64_t num_rows() const { return static_cast<int64_t>(rows_.size()) / dim_; }
  int64_t num_queries() const { return static_cast<int64_t>(queries_.size()) / dim_; }

  Answer nearest(bool by_bytes) { return answer(by_bytes, 1, /*one=*/true); }
  Answer top(bool by_bytes, int64_t k) { return answer(by_bytes, k, /*one=*/false); }

  // Of all queries, in blocks; in each how many rows were ruled out well enough.
  int64_t blocks_by_bytes(int64_t k) {
    GuardedBuffer<char> scratch(byte_search_bytes(dim_, k), 0);
    int64_t found = 0;
    for (int64_t first = 0; first < num_queries(); first += kMaxBlockQueries) {
      const int64_t count = std::min(kMaxBlockQueries, num_queries() - first);
      std::vector<int64_t> rows(count * k);
      found += byte_top_rows(queries_.data() + first * dim_, count, screened_, k, scratch.data(), rows.data());
      CHECK(scratch.guards_intact());
    }
    return found;
  }
  // The sets of rows that byte_top_rows finds for the first queries are those of float32.
  void check_rows(int64_t k) {
    const int64_t count = std::min(kMaxBlockQueries, num_queries());
    GuardedBuffer<char> scratch(byte_search_bytes(dim_, k), 0);
    std::vector<int64_t> rows(count * k);
    if (!byte_top_rows(queries_.data(), count, screened_, k, scratch.data(), rows.data())) return;
    CHECK(scratch.guards_intact());
    std::vector<int64_t> expected = top(/*by_bytes=*/false, k).index;
    int64_t wrong = 0;
    for (int64_t q = 0; q < count; ++q) {
      std::sort(rows.begin() + q * k, rows.begin() + (q + 1) * k);
      std::sort(expected.begin() + q * k, expected.begin() + (q + 1) * k);
      wrong += !std::equal(rows.begin() + q * k, rows.begin() + (q + 1) * k, expected.begin() + q * k);
    }
    CHECK(wrong == 0);
  }
  void check(const std::vector<int64_t>& neighbours = {1, 2, 9}) {
    REQUIRE(usable());
    CHECK(same_bits(nearest(true), nearest(false)));
    for (const int64_t k : neighbours) {
      CAPTURE(k);
      CHECK(same_bits(top(true, k), top(false, k)));
      check_rows(k);
    }
  }

 private:
  Answer answer(bool by_bytes, int64_t k, bool one) {
    Answer out{std::vector<float>(num_queries() * k), std::vector<int64_t>(num_queries() * k)};
    const PackedBank bank = by_bytes ? screened_ : packed_.view();
    GuardedBuffer<char> workspace(one ? nearest_neighbour_workspace_bytes(2, dim_) : top_k_workspace_bytes(2, dim_), 0);
    if (one) {
      nearest_neighbour.cpu({queries_.data(), bank, out.distance2.data(), out.index.data(), num_queries(),
                             workspace.data(), workspace.size()});
    } else {
      top_k.cpu({queries_.data(), bank, out.distance2.data(), out.index.data(), num_queries(), k, workspace.data(),
                 workspace.size()});
    }
    CHECK(workspace.guards_intact());
    return out;
  }

  std::vector<float> queries_, rows_;
  int64_t dim_;
  TestBank packed_;
  GuardedBuffer<std::byte> bytes_;
  PackedBank screened_;
  bool usable_;
};

std::vector<float> changed(std::vector<float> x, const std::function<float(float, int64_t)>& change) {
  for (size_t i = 0; i < x.size(); ++i) x[i] = change(x[i], static_cast<int64_t>(i));
  return x;
}

TEST_CASE("byte banks give float32's answers at every edge of vector, tile, panel and block") {
  if (skipped()) return;
  for (const int64_t dim : {1, 3, 15, 16, 17, 48, 63, 64, 65, 112, 152, 384, 1031}) {
    CAPTURE(dim);
    for (const int64_t num_queries : {1, 14, 15, 113}) {
      Search(random_rows(num_queries, dim, 1), random_rows(dim > 300 ? 300 : 601, dim, 2), dim).check();
    }
  }
  for (const int64_t num_rows : {1, 31, 32, 33, 64, 511, 2400}) {
    CAPTURE(num_rows);
    Search(random_rows(29, 50, 3), random_rows(num_rows, 50, 4), 50).check({1, 9, 64});
  }
  Search(random_rows(5, 70, 5), random_rows(17000, 70, 6), 70).check({1, 64});
}

TEST_CASE("byte banks give float32's answers on random shapes") {
  if (skipped()) return;
  std::mt19937 generator(8);
  for (int round = 0; round < 25; ++round) {
    const int64_t dim = 1 + generator() % 200, num_queries = 1 + generator() % 150, num_rows = 1 + generator() % 3000;
    CAPTURE(dim);
    CAPTURE(num_queries);
    CAPTURE(num_rows);
    Search(random_rows(num_queries, dim, round), random_rows(num_rows, dim, round + 1000), dim)
        .check({1, 1 + static_cast<int64_t>(generator() % 64)});
  }
}

TEST_CASE("byte banks rule out enough of ordinary data, and say so of data of which they do not") {
  if (skipped()) return;
  Search ordinary(random_rows(200, 128, 9), random_rows(4096, 128, 10), 128);
  CHECK(ordinary.blocks_by_bytes(1) == 2);
  CHECK(ordinary.blocks_by_bytes(9) == 2);
  // All rows the same, up to the last place: bounds cannot tell them apart.
  const std::vector<float> one = random_rows(1, 128, 11);
  const std::vector<float> rows = changed(
      std::vector<float>(4096 * 128), [&](float, int64_t i) { return one[i % 128] * (1 + (i / 128 % 3) * 0x1p-23f); });
  Search alike(random_rows(200, 128, 12), rows, 128);
  CHECK(alike.blocks_by_bytes(1) == 0);
  alike.check();
}

TEST_CASE("byte banks tell apart rows that differ in the last places only") {
  if (skipped()) return;
  for (const float noise : {1e-2f, 1e-4f, 1e-6f, 1e-7f}) {
    CAPTURE(noise);
    // 40 families of 30 rows, each around one row; queries are members of families, moved by as much.
    const int64_t dim = 90;
    const std::vector<float> centres = random_rows(40, dim, 13), other = random_rows(1200, dim, 14);
    const std::vector<float> rows =
        changed(other, [&](float v, int64_t i) { return centres[i / dim % 40 * dim + i % dim] + noise * v; });
    const std::vector<float> step = random_rows(100, dim, 15);
    const std::vector<float> queries = changed(step, [&](float v, int64_t i) { return rows[i] + noise * v; });
    Search(queries, rows, dim).check();
    Search(std::vector<float>(rows.begin(), rows.begin() + 100 * dim), rows, dim).check();  // queries in the bank
    Search(changed(queries, [](float v, int64_t) { return v + 1000; }),
           changed(rows, [](float v, int64_t) { return v + 1000; }), dim)
        .check();  // the float32 expansion cancels
  }
}

// Row A is the nearest, but rounding takes from its score, and adds to B's, all that Cauchy and Schwarz allow: in
// turned features, where the query is constant, what rounding leaves of a row is parallel to the query. B's bytes score
// higher than A's by nearly twice the slack.
TEST_CASE("byte banks find the nearest row where rounding errs as far as it can") {
  if (skipped()) return;
  const int64_t dim = 64;
  std::vector<std::vector<float>> axes;  // turned unit vectors
  for (int64_t d = 0; d < dim; ++d) {
    std::vector<float> unit(dim), turned(dim);
    std::vector<int8_t> codes(dim);
    unit[d] = 1;
    encode_row(unit.data(), dim, turned.data(), codes.data());
    axes.push_back(turned);
  }
  const auto turned_back = [&](const std::vector<double>& x) {
    std::vector<float> y;
    for (const std::vector<float>& axis : axes)
      y.push_back(static_cast<float>(std::inner_product(x.begin(), x.end(), axis.begin(), 0.0)));
    return y;
  };
  for (const int64_t ahead : {20, 40, 55, 60, 61}) {  // features in which B is one byte ahead; A wins below 0.98 * 63
    CAPTURE(ahead);
    std::vector<double> a(dim, 30.49), b(dim, 30 - 0.49);
    for (int64_t d = 1; d <= ahead; ++d) b[d] += 1;
    a[0] = b[0] = 127;  // so that one byte is 1
    std::vector<float> rows;
    for (int64_t r = 0; r < 300; ++r) {
      const std::vector<float> row = turned_back(r == 40 || r % 100 == 70 ? b
                                                 : r == 200               ? a
                                                                          : std::vector<double>(dim));
      rows.insert(rows.end(), row.begin(), row.end());
    }
    const std::vector<float> query = turned_back(std::vector<double>(dim, 1e5));
    Search search(query, rows, dim);
    CHECK(search.nearest(true).index == std::vector<int64_t>{200});
    CHECK(search.blocks_by_bytes(1) == 1);
    search.check();
  }
}

TEST_CASE("byte banks break ties towards the lower index") {
  if (skipped()) return;
  for (const int64_t dim : {3, 50}) {
    CAPTURE(dim);
    Search(whole_rows(60, dim, 16), whole_rows(3000, dim, 17), dim).check({1, 5, 64});
  }
  std::vector<float> rows = random_rows(1500, 64, 18);
  std::copy(rows.begin(), rows.begin() + 700 * 64, rows.begin() + 750 * 64);  // each of 700 rows twice
  Search(random_rows(50, 64, 19), rows, 64).check();
}

TEST_CASE("byte banks hold zeros, constant rows and single features") {
  if (skipped()) return;
  const int64_t dim = 64;
  const std::vector<float> queries = random_rows(30, dim, 20);
  Search(queries, std::vector<float>(600 * dim), dim).check();
  Search(std::vector<float>(30 * dim), random_rows(600, dim, 21), dim).check();
  Search(queries, changed(std::vector<float>(600 * dim), [](float, int64_t i) { return 0.01f * (i / 64); }), dim)
      .check();
  const auto single = [](float, int64_t i) { return i % 64 == i / 64 % 64 ? 1.0f + i / 4096 : 0.0f; };
  Search(queries, changed(std::vector<float>(600 * dim), single), dim).check();
  Search(changed(std::vector<float>(30 * dim), single), changed(std::vector<float>(600 * dim), single), dim).check();
}

TEST_CASE("byte banks hold rows and queries of any length") {
  if (skipped()) return;
  const int64_t dim = 60;
  for (const float scale : {1e14f, 1e5f, 1e-10f, 1e-17f, 1e-20f, 1e-36f, 1e-40f}) {
    CAPTURE(scale);
    const auto scaled = [&](float v, int64_t) { return v * scale; };
    Search(changed(random_rows(40, dim, 22), scaled), changed(random_rows(900, dim, 23), scaled), dim).check();
    Search(random_rows(40, dim, 22), changed(random_rows(900, dim, 23), scaled), dim).check();
    Search(changed(random_rows(40, dim, 22), scaled), random_rows(900, dim, 23), dim).check();
  }
  // All lengths in one bank: 1e-20 to 1e13.
  const std::vector<float> mixed =
      changed(random_rows(900, dim, 24), [](float v, int64_t i) { return v * std::pow(10.0f, -20.0f + i / 60 % 34); });
  Search(random_rows(40, dim, 25), mixed, dim).check();
  Search(mixed, mixed, dim).check();
}

TEST_CASE("byte banks never take a row with a NaN or an overflowing norm") {
  if (skipped()) return;
  const int64_t dim = 52;
  std::vector<float> rows = random_rows(900, dim, 26);
  for (int64_t r = 0; r < 900; r += 2) rows[r * dim + r % dim] = r % 3 == 0 ? kNaN : r % 3 == 1 ? kInf : -3e30f;
  Search(random_rows(40, dim, 27), rows, dim).check();
  Search all_bad(random_rows(40, dim, 28), std::vector<float>(600 * dim, kNaN), dim);
  CHECK(all_bad.nearest(true).index == std::vector<int64_t>(40, -1));
  all_bad.check();
}

TEST_CASE("byte banks leave queries and banks that bounds would overflow with to float32") {
  if (skipped()) return;
  const int64_t dim = 52;
  for (const float bad : {kNaN, kInf, -kInf, 3e15f, 1e20f, 3e38f}) {
    CAPTURE(bad);
    std::vector<float> queries = random_rows(130, dim, 29);
    queries[3 * dim + 51] = bad;
    Search search(queries, random_rows(900, dim, 30), dim);
    CHECK(search.blocks_by_bytes(1) == 1);  // the second block
    search.check();
  }
  std::vector<float> rows = random_rows(900, dim, 31);
  rows[899 * dim] = 1e18f;
  CHECK(!Search(random_rows(3, dim, 32), rows, dim).usable());
}

TEST_CASE("byte banks are the same, bit for bit, for any number of threads") {
  if (skipped()) return;
  Search search(random_rows(700, 64, 33), random_rows(900, 64, 34), 64);
  const Answer plain = search.nearest(false);
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    CHECK(same_bits(search.nearest(true), plain));
  }
  set_num_threads(2);
}

}  // namespace
}  // namespace assay::kernels
