// SPDX-License-Identifier: Apache-2.0
// Filters that compare each image with many banks, a bank being the union of a random draw of images: what other
// methods purify by. Read off the distance table, where a bank is a set of columns.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/base/status.h"
#include "pipeline/stage1/aggregate.h"
#include "pipeline/stage1/bank_scores.h"

namespace assay::pipeline {

enum class Drawing { kWithReplacement, kWithoutReplacement };  // of the images of one bank
enum class Combining {
  kMean,
  kMedian
};  // of a patch's distances to the banks; of an even number the middle two's mean

struct RandomBanks {
  int64_t num_banks;
  double image_share;  // draws for a bank, as a share of the images to draw from; at least one
  Drawing drawing;
  Combining combining;
};

// As published: Aggregate::kBankEnsemble averages over 100 banks of 10 %, drawn with replacement; Aggregate::kOutOfBag
// takes the median over those of 20 banks of 20 % that do not hold the image. Of no other aggregate (assay::Error).
RandomBanks random_banks_of(Aggregate aggregate);

// The images of each bank, ascending, each once; drawn from the marked ones. The images' order is the caller's, as for
// partition_images.
std::vector<std::vector<int64_t>> draw_banks(const std::vector<uint8_t>& in_bank, const RandomBanks& how,
                                             uint64_t seed);

// A patch's distances to the nearest image of each bank, combined. Over::kHeldOut leaves out the banks that hold the
// patch's image, and is an error where some image is in all of them; over all, a bank that holds the image knows it.
Result<PatchRule> distance_to_banks(const std::vector<uint8_t>& in_bank, const RandomBanks& how, Over over,
                                    uint64_t seed);

}  // namespace assay::pipeline
