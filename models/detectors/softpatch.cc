// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/softpatch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/autograd/ops/elementwise.h"
#include "engine/ops/gather.h"
#include "engine/ops/resize_bilinear.h"
#include "kernels/base/parallel.h"
#include "models/detectors/reference_grid.h"

namespace assay::models {
namespace {

constexpr char kName[] = "softpatch";

// The cells of one image, in the bank's space.
struct Patches {
  int64_t height, width;
  Tensor rows;  // (height * width, W), on the device
};

std::vector<Patches> project_all(const FeatureSource& features, const std::vector<int64_t>& images,
                                 const BankSpace& space) {
  std::vector<Patches> all(images.size());
  parallel_for(static_cast<int64_t>(images.size()), 1, [&](int64_t i, int64_t) {
    const FeatureGrid grid = features.read(images[i]);
    ASSAY_CHECK(grid.rows.rank() == 2 && grid.rows.dim(0) == grid.height * grid.width, "softpatch: features of a ",
                grid.height, " x ", grid.width, " grid have shape ", to_string(grid.rows.shape()),
                ", expected one row a cell");
    all[i] = {grid.height, grid.width, space.project(grid)};
  });
  return all;
}

Tensor resampled(const Tensor& cells, int64_t height, int64_t width, int64_t to_height, int64_t to_width) {
  if (height == to_height && width == to_width) return cells;
  const int64_t channels = cells.dim(1);
  return ops::resize_bilinear(cells.reshape({height, width, channels}), to_height, to_width)
      .reshape({to_height * to_width, channels});
}

// w of each cell of each image.
std::vector<std::vector<float>> weigh(const std::vector<Patches>& all, const ReferenceGrid& grid, int64_t width,
                                      const SoftpatchOptions& options, Device device,
                                      const std::function<void(double)>& progress) {
  const auto read = [&](int64_t i) {
    return resampled(all[i].rows, all[i].height, all[i].width, grid.height, grid.width);
  };
  const int64_t num_images = static_cast<int64_t>(all.size());
  const Tensor scores = patch_outlier_scores({num_images, grid.positions(), width, device, read}, options.discriminator,
                                             options.neighbours, progress);
  const float offset = options.discriminator == Discriminator::kLof ? 0.0f : 1.0f;
  std::vector<std::vector<float>> weights(all.size());
  parallel_for(num_images, 1, [&](int64_t i, int64_t) {
    const Tensor at_reference = scores.rows(i, i + 1).reshape({grid.positions(), 1});
    const Tensor own = resampled(at_reference, grid.height, grid.width, all[i].height, all[i].width);
    weights[i].assign(own.data<float>(), own.data<float>() + own.size());
    for (float& w : weights[i]) w = std::max(0.0f, w + offset);
  });
  return weights;
}

// The quantile with linear interpolation between the values around it: what lies above is the highest `share`, ties
// with the last of them not counted.
float upper_quantile(const std::vector<std::vector<float>>& lists, double share) {
  std::vector<float> all;
  for (const std::vector<float>& list : lists) all.insert(all.end(), list.begin(), list.end());
  const double at = (1 - share) * static_cast<double>(all.size() - 1);
  const auto below = all.begin() + static_cast<int64_t>(at);
  std::nth_element(all.begin(), below, all.end());
  if (below + 1 == all.end()) return *below;
  const double next = *std::min_element(below + 1, all.end());
  return static_cast<float>(*below + (at - std::floor(at)) * (next - *below));
}

}  // namespace

Softpatch::Softpatch(const SoftpatchOptions& options, Device device) : options_(options), device_(device) {
  ASSAY_CHECK(options.neighbours >= 1 && options.neighbours <= kMaxOthers, "softpatch: ", options.neighbours,
              " neighbours, expected 1 to ", kMaxOthers);
  ASSAY_CHECK(options.noise_share >= 0 && options.noise_share < 1, "softpatch: a noise share of ", options.noise_share,
              ", expected 0 to below 1");
  ASSAY_CHECK(options.coreset_ratio > 0 && options.coreset_ratio <= 1, "softpatch: a coreset ratio of ",
              options.coreset_ratio, ", expected above 0, at most 1");
}

void Softpatch::fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) {
  ASSAY_CHECK(!images.empty(), "softpatch: fit to no images");
  const auto report = [&](double done) {
    if (options.progress && !options.progress(done)) throw Cancelled();
  };
  const std::vector<int64_t> order = by_content(features, images);
  const BankSpace space = BankSpace::fit(features, order, options_.space, options.seed, {}, device_);
  std::vector<Patches> all = project_all(features, order, space);
  report(0.1);
  const auto weights = weigh(all, median_grid(features, order), space.width(), options_, device_,
                             [&](double done) { report(0.1 + 0.4 * done); });

  const float noise_above = upper_quantile(weights, options_.noise_share);
  std::vector<Tensor> kept(all.size());
  std::vector<float> kept_weights;
  int64_t num_patches = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    std::vector<int64_t> cells;
    for (size_t cell = 0; cell < weights[i].size(); ++cell) {
      if (weights[i][cell] > noise_above) continue;
      cells.push_back(static_cast<int64_t>(cell));
      kept_weights.push_back(weights[i][cell]);
    }
    num_patches += static_cast<int64_t>(weights[i].size());
    kept[i] = ops::gather_rows(all[i].rows, cells, "memory bank");
    all[i].rows = Tensor();
  }
  const Tensor rows = concatenate_rows(kept, space.width(), device_);
  kept.clear();
  const int64_t count = std::min(coreset_size(options_.coreset_ratio, num_patches), rows.dim(0));
  const Tensor chosen = greedy_coreset(rows, count, options.seed);
  const Tensor chosen_on_host = chosen.to(Device::cpu(), "memory bank");
  const Tensor weight = Tensor::empty<float>({count, 1}, "memory bank");
  for (int64_t i = 0; i < count; ++i) weight.data<float>()[i] = kept_weights[chosen_on_host.data<int64_t>()[i]];
  const MemoryBank bank(space, ops::gather_rows(rows, chosen, "memory bank"));
  model_ = Model{bank, weight.to(device_, "memory bank")};
}

Tensor Softpatch::score(const FeatureGrid& grid) const {
  ASSAY_CHECK(model_, "softpatch: score before fit");
  const ops::NearestNeighbour nearest = model_->bank.nearest(grid);
  const Shape shape = grid.batch == 1 ? Shape{grid.height, grid.width} : Shape{grid.batch, grid.height, grid.width};
  const Tensor weight = ops::gather_rows(model_->weight, nearest.index, "maps");
  autograd::Tape tape;
  return autograd::multiply(tape.constant(nearest.distance2.reshape(shape)), tape.constant(weight.reshape(shape)))
      .value();
}

nlohmann::json Softpatch::save(std::map<std::string, Tensor>* tensors) const {
  ASSAY_CHECK(model_, "softpatch: save before fit");
  (*tensors)["softpatch.weight"] = model_->weight.to(Device::cpu(), "model").reshape({model_->bank.size()});
  return model_->bank.save(kName, tensors);
}

Status Softpatch::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) {
  Result<MemoryBank> bank = MemoryBank::load(kName, description, tensors, device_);
  if (!bank.ok()) return bank.status();
  const int64_t count = bank.value().size();
  const auto weight = tensors.find("softpatch.weight");
  if (weight == tensors.end()) return Status::error("softpatch: tensor softpatch.weight is missing");
  if (weight->second.dtype() != DType::kFloat32 || weight->second.shape() != Shape{count}) {
    return Status::error("softpatch.weight has shape ", to_string(weight->second.shape()), ", expected (", count,
                         ") of float32");
  }
  for (int64_t i = 0; i < count; ++i) {
    const float w = weight->second.data<float>()[i];
    if (!(w >= 0 && std::isfinite(w))) {
      return Status::error("softpatch.weight: element ", i, " is ", w, ", expected a number >= 0");
    }
  }
  model_ = Model{std::move(bank).value(), weight->second.to(device_, "memory bank").reshape({count, 1})};
  return Status();
}

}  // namespace assay::models
