// SPDX-License-Identifier: Apache-2.0
// How unlike the patches at the same position of other images a patch is: SoftPatch's discriminators (softpatch.h).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"

namespace assay::models {

enum class Discriminator {
  kLof,       // local outlier factor: 1 where a patch lies as densely as its neighbours do, more where it lies alone
  kNearest,   // distance to the nearest patch of another image
  kGaussian,  // Mahalanobis distance from the position's Gaussian, 0.01 added to each variance
};

const char* discriminator_name(Discriminator discriminator);
Result<Discriminator> discriminator_from_name(const std::string& name);

constexpr int64_t kMaxOthers = 63;  // top_k_neighbours finds 64, of which a point itself is one

// The k nearest others of each of N points, by Euclidean distance: (N, k), point after point, nearest first.
struct Neighbours {
  int64_t k = 0;
  std::vector<int64_t> index;
  std::vector<double> distance;
};

// points: (N, D) float32. A point is no neighbour of its own, a duplicate of it is; ties go to the lower index. k from
// 1 to kMaxOthers, of which at most N - 1 are found. Throws assay::Error where points are not finite.
Neighbours nearest_others(const Tensor& points, int64_t k);

// Local outlier factors (Breunig, Kriegel, Ng, Sander 2000) with exactly k neighbours each:
//
//   reach(p, o) = max(distance of o's k-th neighbour, |p - o|),  lrd(p) = 1 / (mean of reach(p, o) + 1e-10)
//   LOF(p) = mean of lrd(o) / lrd(p),   means over the neighbours o of p
//
// The 1e-10, which keeps duplicates finite, is that of scikit-learn. 1 where there are no neighbours.
std::vector<double> local_outlier_factors(const Neighbours& neighbours, int64_t num_points);

// The patches of many images at the same positions.
struct AlignedPatches {
  int64_t num_images;
  int64_t positions;  // P
  int64_t width;      // D
  Device device;
  // (P, D) float32 of an image, on the device. Called several times for each image, by several threads at once.
  std::function<Tensor(int64_t image)> read;
};

// (num_images, P) float32 on the CPU, one score for each patch, >= 0, higher is more unlike the others. `neighbours` is
// the local outlier factor's k. Bounded memory: positions are taken block by block. `progress` gets the share done and
// may throw to end it.
Tensor patch_outlier_scores(const AlignedPatches& patches, Discriminator discriminator, int64_t neighbours,
                            const std::function<void(double)>& progress);

}  // namespace assay::models
