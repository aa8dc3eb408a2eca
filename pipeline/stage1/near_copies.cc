// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/near_copies.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/base/parallel.h"

namespace assay::pipeline {
namespace {

int64_t nearest_that_count(int64_t num_others) {
  constexpr int64_t kMost = 5, kOthersPerOne = 20;
  return std::min(kMost, num_others / kOthersPerOne);
}

// Of how many patches of image i each image is among the nearest.
std::vector<int64_t> patches_near_to(const Tensor& distances, int64_t i, int64_t nearest) {
  const int64_t count = distances.dim(1);
  std::vector<int64_t> patches(count, 0);
  std::vector<std::pair<float, int64_t>> others;
  for (int64_t p = 0; p < distances.dim(0); ++p) {
    others.clear();
    for (int64_t j = 0; j < count; ++j) {
      if (j != i) others.push_back({distances.data<float>()[p * count + j], j});
    }
    std::nth_element(others.begin(), others.begin() + (nearest - 1), others.end());
    for (int64_t n = 0; n < nearest; ++n) ++patches[others[n].second];
  }
  return patches;
}

}  // namespace

std::vector<std::vector<int64_t>> find_near_copies(const DistanceTable& table, double patch_share) {
  ASSAY_CHECK(patch_share > 0 && patch_share <= 1, "find_near_copies: a share of ", patch_share, " of the patches");
  const int64_t count = table.num_images();
  std::vector<std::vector<int64_t>> copies(count);
  const int64_t nearest = nearest_that_count(count - 1);
  if (nearest == 0 || patch_share == 1) return copies;
  std::vector<std::vector<uint8_t>> is_near(count);  // [i][j]: to more than the share of i's patches
  parallel_for(count, 1, [&](int64_t i, int64_t) {
    const Tensor distances = table.rows_of(i);
    const double needed = patch_share * static_cast<double>(distances.dim(0));
    for (const int64_t patches : patches_near_to(distances, i, nearest)) {
      is_near[i].push_back(static_cast<double>(patches) > needed);
    }
  });
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < count; ++j) {
      if (is_near[i][j] && is_near[j][i]) copies[i].push_back(j);
    }
  }
  return copies;
}

}  // namespace assay::pipeline
