// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/random_banks.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "kernels/random/generator.h"

namespace assay::pipeline {
namespace {

constexpr Aggregate kBoth[] = {Aggregate::kBankEnsemble, Aggregate::kOutOfBag};

// (P, J) random distances.
Tensor random_distances(int64_t cells, int64_t count) {
  const Tensor t = Tensor::empty<float>({cells, count}, "test");
  kernels::Generator g(8);
  for (int64_t i = 0; i < t.size(); ++i) t.data<float>()[i] = static_cast<float>(g.uniform());
  return t;
}

// The definition, in double: of each bank the least distance, then the mean or the median.
double naive(const float* row, const std::vector<std::vector<int64_t>>& banks, int64_t image, Over over, bool is_mean) {
  std::vector<double> nearest;
  for (const std::vector<int64_t>& bank : banks) {
    if (over == Over::kHeldOut && std::count(bank.begin(), bank.end(), image) > 0) continue;
    double least = INFINITY;
    for (const int64_t j : bank) least = std::min<double>(least, row[j]);
    nearest.push_back(least);
  }
  std::sort(nearest.begin(), nearest.end());
  const size_t n = nearest.size();
  if (!is_mean) return (nearest[(n - 1) / 2] + nearest[n / 2]) / 2;
  double sum = 0;
  for (const double d : nearest) sum += d;
  return sum / static_cast<double>(n);
}

TEST_CASE("distances to random banks are those of the definition, also of very few images") {
  for (const Aggregate aggregate : kBoth) {
    const RandomBanks how = random_banks_of(aggregate);
    for (const int64_t count : {2, 3, 7, 61}) {
      CAPTURE(count);
      const Tensor distances = random_distances(6, count);
      std::vector<uint8_t> in_bank(count, 1);
      if (count > 3) in_bank[2] = in_bank[count - 1] = 0;
      for (const Over over : {Over::kHeldOut, Over::kAll}) {
        const std::vector<std::vector<int64_t>> banks = draw_banks(in_bank, how, 5);
        const PatchRule rule = distance_to_banks(in_bank, how, over, 5).value();
        for (int64_t image = 0; image < count; ++image) {
          std::vector<float> values(6, NAN);
          rule(image, distances, values.data());
          for (int64_t p = 0; p < 6; ++p) {
            const double expected =
                naive(distances.data<float>() + p * count, banks, image, over, aggregate == Aggregate::kBankEnsemble);
            CHECK(std::abs(values[p] - expected) <= 1e-6 * expected);
          }
        }
      }
    }
  }
}

TEST_CASE("banks are as many and as large as published, of marked images only, and follow the seed") {
  std::vector<uint8_t> in_bank(220, 1);
  for (int64_t i = 0; i < 20; ++i) in_bank[i * 11] = 0;
  const RandomBanks ensemble = random_banks_of(Aggregate::kBankEnsemble), bag = random_banks_of(Aggregate::kOutOfBag);
  const std::vector<std::vector<int64_t>> repeated = draw_banks(in_bank, ensemble, 1),
                                          once = draw_banks(in_bank, bag, 1);
  CHECK(repeated.size() == 100);
  CHECK(once.size() == 20);
  bool any_repeats = false;
  std::set<int64_t> drawn;
  for (const std::vector<std::vector<int64_t>>& banks : {repeated, once}) {
    for (const std::vector<int64_t>& bank : banks) {
      CHECK(bank.size() <= (banks.size() == 100 ? 20 : 40));
      CHECK(std::is_sorted(bank.begin(), bank.end()));
      CHECK(std::adjacent_find(bank.begin(), bank.end()) == bank.end());
      for (const int64_t j : bank) CHECK(in_bank[j] == 1);
      drawn.insert(bank.begin(), bank.end());
    }
  }
  CHECK(drawn.size() == 200);
  for (const std::vector<int64_t>& bank : repeated) any_repeats = any_repeats || bank.size() < 20;
  CHECK(any_repeats);
  for (const std::vector<int64_t>& bank : once) CHECK(bank.size() == 40);
  CHECK(draw_banks(in_bank, bag, 1) == once);
  CHECK(draw_banks(in_bank, bag, 2) != once);
}

TEST_CASE("an image that no bank leaves out is an error, unless all banks count") {
  RandomBanks all_of_it = random_banks_of(Aggregate::kOutOfBag);
  all_of_it.image_share = 1;
  const auto refused = distance_to_banks({1, 1, 1}, all_of_it, Over::kHeldOut, 0);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.message() == "an image is in all 20 random banks of 3: no bank is left to judge it");
  CHECK(distance_to_banks({1, 1, 1}, all_of_it, Over::kAll, 0).ok());
  CHECK_THROWS_AS(draw_banks({0, 0}, all_of_it, 0), Error);
  CHECK_THROWS_AS(random_banks_of(Aggregate::kMean), Error);
}

}  // namespace
}  // namespace assay::pipeline
