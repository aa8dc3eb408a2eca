// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/partition.h"

#include "kernels/base/check.h"
#include "kernels/random/generator.h"

namespace assay::pipeline {
namespace {

constexpr uint64_t kPartitionStream = 0x7061727469746eull;

}  // namespace

std::vector<int> partition_images(int64_t num_images, int num_subsets, uint64_t seed) {
  ASSAY_CHECK(num_subsets >= 2 && num_subsets <= num_images, "partition_images: ", num_images, " images into ",
              num_subsets, " subsets, expected at least 2 subsets and an image for each");
  kernels::Generator generator(seed, kPartitionStream);
  const std::vector<int64_t> order = kernels::random_permutation(num_images, generator);
  std::vector<int> subset(num_images);
  for (int64_t place = 0; place < num_images; ++place) subset[order[place]] = static_cast<int>(place % num_subsets);
  return subset;
}

}  // namespace assay::pipeline
