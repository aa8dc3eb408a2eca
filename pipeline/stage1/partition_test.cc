// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/partition.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "kernels/base/check.h"

namespace assay::pipeline {
namespace {

TEST_CASE("every image is in one subset, sizes differ by at most one, and the seed decides the cut") {
  for (const int64_t n : {2, 7, 100, 477}) {
    for (int k = 2; k <= std::min<int64_t>(n, 8); ++k) {
      const std::vector<int> subset = partition_images(n, k, 1);
      std::vector<int64_t> sizes(k, 0);
      for (const int s : subset) ++sizes.at(s);
      const auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
      CHECK(*most - *least <= 1);
      CHECK(subset == partition_images(n, k, 1));
      if (n >= 100) CHECK(subset != partition_images(n, k, 2));
    }
  }
}

TEST_CASE("fewer than two subsets, or fewer images than subsets, are refused") {
  CHECK_THROWS_AS(partition_images(10, 1, 0), Error);
  CHECK_THROWS_WITH_AS(partition_images(3, 4, 0),
                       "partition_images: 3 images into 4 subsets, expected at least 2 subsets and an image for each",
                       Error);
}

}  // namespace
}  // namespace assay::pipeline
