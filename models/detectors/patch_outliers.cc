// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/patch_outliers.h"

#include <algorithm>
#include <cmath>

#include "engine/device/stream.h"
#include "engine/ops/gather.h"
#include "engine/ops/position_gaussians.h"
#include "engine/ops/top_k_neighbours.h"
#include "kernels/base/parallel.h"

namespace assay::models {
namespace {

constexpr int64_t kBlockBytes = int64_t{64} << 20;  // of patches of some positions, of all images
constexpr int64_t kImagesAtOnce = 16;
constexpr double kRegularisation = 0.01;  // the published one
constexpr double kLeastReach = 1e-10;
constexpr const char* kTag = "patch outliers";

struct Named {
  Discriminator discriminator;
  const char* name;
};
constexpr Named kNames[] = {
    {Discriminator::kLof, "lof"}, {Discriminator::kNearest, "nearest"}, {Discriminator::kGaussian, "gaussian"}};

// The patches of positions first to before first + count, (num_images * count, D), image after image.
Tensor read_block(const AlignedPatches& patches, int64_t first, int64_t count) {
  const Tensor block = Tensor::empty<float>({patches.num_images * count, patches.width}, kTag, patches.device);
  for (int64_t begin = 0; begin < patches.num_images; begin += kImagesAtOnce) {
    std::vector<Tensor> parts(std::min(kImagesAtOnce, patches.num_images - begin));
    parallel_for(static_cast<int64_t>(parts.size()), 1,
                 [&](int64_t i, int64_t) { parts[i] = patches.read(begin + i).rows(first, first + count); });
    // By one thread: one storage is written to.
    for (size_t i = 0; i < parts.size(); ++i) {
      const int64_t at = (begin + static_cast<int64_t>(i)) * count;
      copy(parts[i], block.rows(at, at + count), current_stream(patches.device));
    }
  }
  return block;
}

std::vector<double> scores_of_position(const Tensor& points, Discriminator discriminator, int64_t neighbours) {
  const int64_t num_points = points.dim(0);
  if (discriminator == Discriminator::kLof) {
    return local_outlier_factors(nearest_others(points, neighbours), num_points);
  }
  const Neighbours nearest = nearest_others(points, 1);
  return nearest.k == 1 ? nearest.distance : std::vector<double>(num_points, 0);
}

void score_by_neighbours(const AlignedPatches& patches, Discriminator discriminator, int64_t neighbours,
                         const std::function<void(double)>& progress, const Tensor& scores) {
  const int64_t position_bytes = patches.num_images * patches.width * static_cast<int64_t>(sizeof(float));
  const int64_t in_block = std::clamp<int64_t>(kBlockBytes / position_bytes, 1, patches.positions);
  for (int64_t first = 0; first < patches.positions; first += in_block) {
    const int64_t count = std::min(in_block, patches.positions - first);
    const Tensor block = read_block(patches, first, count);
    parallel_for(count, 1, [&](int64_t p, int64_t) {
      std::vector<int64_t> rows(patches.num_images);
      for (int64_t i = 0; i < patches.num_images; ++i) rows[i] = i * count + p;
      const auto found = scores_of_position(ops::gather_rows(block, rows, kTag), discriminator, neighbours);
      for (int64_t i = 0; i < patches.num_images; ++i) {
        scores.data<float>()[i * patches.positions + first + p] = static_cast<float>(found[i]);
      }
    });
    progress(static_cast<double>(first + count) / static_cast<double>(patches.positions));
  }
}

void score_by_gaussians(const AlignedPatches& patches, const std::function<void(double)>& progress,
                        const Tensor& scores) {
  ops::GaussianAccumulator accumulator(patches.positions, patches.width, patches.device);
  for (int64_t i = 0; i < patches.num_images; ++i) {
    accumulator.add(patches.read(i).reshape({1, patches.positions, patches.width}));
  }
  const ops::PositionGaussians gaussians = std::move(accumulator).finish(kRegularisation);
  progress(0.5);
  parallel_for(patches.num_images, 1, [&](int64_t i, int64_t) {
    const Tensor distances = ops::mahalanobis(gaussians, patches.read(i)).to(Device::cpu(), kTag);
    std::copy_n(distances.data<float>(), patches.positions, scores.data<float>() + i * patches.positions);
  });
  progress(1);
}

}  // namespace

const char* discriminator_name(Discriminator discriminator) {
  for (const Named& named : kNames) {
    if (named.discriminator == discriminator) return named.name;
  }
  throw Error("discriminator out of range");
}

Result<Discriminator> discriminator_from_name(const std::string& name) {
  for (const Named& named : kNames) {
    if (name == named.name) return named.discriminator;
  }
  return Status::error("discriminator '", name, "': expected lof, nearest or gaussian");
}

Neighbours nearest_others(const Tensor& points, int64_t k) {
  const int64_t num_points = points.dim(0);
  Neighbours others;
  others.k = std::min(k, num_points - 1);
  if (others.k <= 0) return others;
  const ops::TopKNeighbours found = ops::top_k_neighbours(points, ops::PackedBank(points, kTag), others.k + 1);
  const Tensor index = found.index.to(Device::cpu(), kTag), distance2 = found.distance2.to(Device::cpu(), kTag);
  for (int64_t p = 0; p < num_points; ++p) {
    const int64_t* candidate = index.data<int64_t>() + p * (others.k + 1);
    ASSAY_CHECK(candidate[others.k] >= 0, "softpatch: features that are not finite, or too large to be compared");
    // Among many duplicates the point itself may not be among the nearest: then the last one gives way.
    const int64_t own = std::find(candidate, candidate + others.k, p) - candidate;
    for (int64_t j = 0; j <= others.k; ++j) {
      if (j == own) continue;
      others.index.push_back(candidate[j]);
      others.distance.push_back(std::sqrt(static_cast<double>(distance2.data<float>()[p * (others.k + 1) + j])));
    }
  }
  return others;
}

std::vector<double> local_outlier_factors(const Neighbours& neighbours, int64_t num_points) {
  const int64_t k = neighbours.k;
  if (k <= 0) return std::vector<double>(num_points, 1);
  std::vector<double> density(num_points), factor(num_points);
  for (int64_t p = 0; p < num_points; ++p) {
    double reach = 0;
    for (int64_t j = p * k; j < (p + 1) * k; ++j) {
      reach += std::max(neighbours.distance[neighbours.index[j] * k + k - 1], neighbours.distance[j]);
    }
    density[p] = 1 / (reach / static_cast<double>(k) + kLeastReach);
  }
  for (int64_t p = 0; p < num_points; ++p) {
    double around = 0;
    for (int64_t j = p * k; j < (p + 1) * k; ++j) around += density[neighbours.index[j]];
    factor[p] = around / static_cast<double>(k) / density[p];
  }
  return factor;
}

Tensor patch_outlier_scores(const AlignedPatches& patches, Discriminator discriminator, int64_t neighbours,
                            const std::function<void(double)>& progress) {
  const Tensor scores = Tensor::empty<float>({patches.num_images, patches.positions}, kTag);
  if (discriminator == Discriminator::kGaussian) {
    score_by_gaussians(patches, progress, scores);
  } else {
    score_by_neighbours(patches, discriminator, neighbours, progress, scores);
  }
  return scores;
}

}  // namespace assay::models
