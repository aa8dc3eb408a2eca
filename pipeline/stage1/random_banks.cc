// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/random_banks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/random/generator.h"
#include "pipeline/stage1/robust.h"

namespace assay::pipeline {
namespace {

constexpr uint64_t kBankStream = 0x72616e646f6d62ull;

double combine(std::vector<double> distances, Combining combining) {
  if (combining == Combining::kMedian) return median(std::move(distances));
  return std::accumulate(distances.begin(), distances.end(), 0.0) / static_cast<double>(distances.size());
}

std::vector<int64_t> draw(const std::vector<int64_t>& images, const RandomBanks& how, kernels::Generator& generator) {
  const int64_t count = static_cast<int64_t>(images.size());
  const int64_t draws = std::clamp<int64_t>(std::llround(how.image_share * static_cast<double>(count)), 1, count);
  std::vector<int64_t> bank;
  if (how.drawing == Drawing::kWithReplacement) {
    for (int64_t d = 0; d < draws; ++d) bank.push_back(images[generator.below(static_cast<uint64_t>(count))]);
    std::sort(bank.begin(), bank.end());
    bank.erase(std::unique(bank.begin(), bank.end()), bank.end());
  } else {
    for (const int64_t place : kernels::random_sample(count, draws, generator)) bank.push_back(images[place]);
  }
  return bank;
}

}  // namespace

RandomBanks random_banks_of(Aggregate aggregate) {
  if (aggregate == Aggregate::kBankEnsemble) return {100, 0.1, Drawing::kWithReplacement, Combining::kMean};
  ASSAY_CHECK(aggregate == Aggregate::kOutOfBag, "random_banks_of: ", aggregate_name(aggregate), " draws no banks");
  return {20, 0.2, Drawing::kWithoutReplacement, Combining::kMedian};
}

std::vector<std::vector<int64_t>> draw_banks(const std::vector<uint8_t>& in_bank, const RandomBanks& how,
                                             uint64_t seed) {
  std::vector<int64_t> images;
  for (size_t i = 0; i < in_bank.size(); ++i) {
    if (in_bank[i]) images.push_back(static_cast<int64_t>(i));
  }
  ASSAY_CHECK(!images.empty() && how.num_banks >= 1, "draw_banks: ", how.num_banks, " banks of ", images.size(),
              " images, expected at least one of each");
  kernels::Generator generator(seed, kBankStream);
  std::vector<std::vector<int64_t>> banks(how.num_banks);
  for (std::vector<int64_t>& bank : banks) bank = draw(images, how, generator);
  return banks;
}

Result<PatchRule> distance_to_banks(const std::vector<uint8_t>& in_bank, const RandomBanks& how, Over over,
                                    uint64_t seed) {
  const std::vector<std::vector<int64_t>> banks = draw_banks(in_bank, how, seed);
  std::vector<std::vector<size_t>> banks_of(in_bank.size());  // those that have a say about an image
  for (size_t i = 0; i < in_bank.size(); ++i) {
    for (size_t b = 0; b < banks.size(); ++b) {
      const bool holds = std::binary_search(banks[b].begin(), banks[b].end(), static_cast<int64_t>(i));
      if (over == Over::kAll || !holds) banks_of[i].push_back(b);
    }
    if (banks_of[i].empty()) {
      return Status::error("an image is in all ", banks.size(), " random banks of ", banks[0].size(),
                           ": no bank is left to judge it");
    }
  }
  return PatchRule([banks, banks_of, combining = how.combining](int64_t i, const Tensor& distances, float* values) {
    std::vector<double> nearest(banks_of[i].size());
    for (int64_t p = 0; p < distances.dim(0); ++p) {
      const float* d = distances.data<float>() + p * distances.dim(1);
      for (size_t b = 0; b < nearest.size(); ++b) {
        float least = std::numeric_limits<float>::infinity();
        for (const int64_t j : banks[banks_of[i][b]]) least = std::min(least, d[j]);
        nearest[b] = least;
      }
      values[p] = static_cast<float>(combine(nearest, combining));
    }
  });
}

}  // namespace assay::pipeline
