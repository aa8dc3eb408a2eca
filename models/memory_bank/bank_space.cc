// SPDX-License-Identifier: Apache-2.0
#include "models/memory_bank/bank_space.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/ops/gather.h"
#include "engine/ops/matmul.h"
#include "engine/ops/row_ops.h"
#include "kernels/base/parallel.h"
#include "kernels/random/generator.h"
#include "models/memory_bank/principal_axes.h"

namespace assay::models {
namespace {

constexpr uint64_t kReferenceStream = 0x7265666572656e63ull;
constexpr int64_t kImagesPerPiece = 8;  // one partial covariance each: bounds memory, and fixes the order of the sums

struct Moments {
  double count = 0;
  std::vector<double> mean;        // (D)
  std::vector<double> covariance;  // (D, D), divided by count
};

// The patches of an image that are not excluded.
Tensor read_patches(const FeatureSource& features, int64_t image, const ExcludedCells& excluded) {
  const Tensor rows = features.read(image).rows;
  if (excluded.count(image) == 0) return rows;
  std::vector<int64_t> cells(rows.dim(0));
  std::iota(cells.begin(), cells.end(), 0);
  drop_excluded(excluded, image, rows.dim(0), &cells);
  return ops::gather_rows(rows, cells, "feature statistics");
}

// Sums over pieces of images, one piece's result each, added up in order. `add` gets the patches (P, D) of one image.
std::vector<double> sum_over_images(const FeatureSource& features, const std::vector<int64_t>& images,
                                    const ExcludedCells& excluded, int64_t num_sums,
                                    const std::function<void(const Tensor&, double*)>& add) {
  const int64_t num_images = static_cast<int64_t>(images.size());
  std::vector<std::vector<double>> partial((num_images + kImagesPerPiece - 1) / kImagesPerPiece);
  parallel_for(num_images, kImagesPerPiece, [&](int64_t begin, int64_t end) {
    std::vector<double>& sums = partial[begin / kImagesPerPiece];
    sums.assign(num_sums, 0.0);
    for (int64_t i = begin; i < end; ++i) {
      const Tensor patches = read_patches(features, images[i], excluded);
      if (patches.dim(0) > 0) add(patches, sums.data());
    }
  });
  std::vector<double> total(num_sums, 0.0);
  for (const auto& sums : partial) {
    for (int64_t i = 0; i < num_sums; ++i) total[i] += sums[i];
  }
  return total;
}

// The means are summed by the host, from rows that it reads anyway; the products by the device.
Moments moments(const FeatureSource& features, const std::vector<int64_t>& images, const ExcludedCells& excluded,
                Device device) {
  const int64_t dim = features.feature_width();
  Moments m;
  m.mean = sum_over_images(features, images, excluded, dim + 1, [&](const Tensor& patches, double* sums) {
    const float* x = patches.data<float>();
    for (int64_t p = 0; p < patches.dim(0); ++p) {
      for (int64_t d = 0; d < dim; ++d) sums[d] += x[p * dim + d];
    }
    sums[dim] += static_cast<double>(patches.dim(0));
  });
  m.count = m.mean.back();
  ASSAY_CHECK(m.count > 0, "BankSpace::fit: no cell is left to fit to");
  m.mean.pop_back();
  for (double& v : m.mean) v /= m.count;
  m.covariance = sum_over_images(features, images, excluded, dim * dim, [&](const Tensor& patches, double* sums) {
    const Tensor centred = patches.clone("feature statistics");
    float* x = centred.data<float>();
    for (int64_t p = 0; p < centred.dim(0); ++p) {
      for (int64_t d = 0; d < dim; ++d) x[p * dim + d] -= static_cast<float>(m.mean[d]);
    }
    const Tensor there = centred.to(device, "feature statistics");
    const Tensor gram = ops::matmul(there, there, ops::Transpose::kYes, ops::Transpose::kNo)  // (D, D)
                            .to(Device::cpu(), "feature statistics");
    for (int64_t i = 0; i < dim * dim; ++i) sums[i] += gram.data<float>()[i];
  });
  for (double& v : m.covariance) v /= m.count;
  return m;
}

}  // namespace

void drop_excluded(const ExcludedCells& excluded, int64_t image, int64_t num_cells, std::vector<int64_t>* cells) {
  const auto found = excluded.find(image);
  if (found == excluded.end()) return;
  const std::vector<uint8_t>& marks = found->second;
  ASSAY_CHECK(static_cast<int64_t>(marks.size()) == num_cells, marks.size(), " marks of excluded cells for image ",
              image, ", whose grid has ", num_cells);
  cells->erase(std::remove_if(cells->begin(), cells->end(), [&](int64_t cell) { return marks[cell] != 0; }),
               cells->end());
}

std::vector<int64_t> by_content(const FeatureSource& features, const std::vector<int64_t>& images) {
  std::vector<int64_t> order = images;
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::pair(features.content_key(a), a) < std::pair(features.content_key(b), b);
  });
  return order;
}

BankSpace BankSpace::fit(const FeatureSource& features, const std::vector<int64_t>& images,
                         const BankSpaceOptions& options, uint64_t seed, const ExcludedCells& excluded, Device device) {
  ASSAY_CHECK(!images.empty(), "BankSpace::fit: no images");
  const int64_t dim = features.feature_width();
  const int64_t width = options.width > 0 ? std::min(options.width, dim) : dim;
  const Moments m = moments(features, by_content(features, images), excluded, device);
  const PrincipalAxes principal = principal_axes(m.covariance, dim);
  const double mean_variance = std::accumulate(principal.variance.begin(), principal.variance.end(), 0.0) / dim;

  BankSpace space;
  space.reference_share_ = options.reference_share;
  space.seed_ = seed;
  space.matrix_ = Tensor::empty<float>({width, dim}, "bank space");
  space.offset_ = Tensor::empty<float>({width}, "bank space");
  for (int64_t r = 0; r < width; ++r) {
    const double variance = principal.variance[r] + options.shrinkage * mean_variance;
    const double scale = variance > 0 ? std::pow(variance, -0.5 * options.whiten) : 1;
    double offset = 0;
    for (int64_t d = 0; d < dim; ++d) {
      const double v = scale * principal.axes[r * dim + d];
      space.matrix_.data<float>()[r * dim + d] = static_cast<float>(v);
      offset -= v * m.mean[d];
    }
    space.offset_.data<float>()[r] = static_cast<float>(offset);
  }
  return space.to(device);
}

BankSpace BankSpace::to(Device device) const {
  BankSpace space = *this;
  space.matrix_ = matrix_.to(device, "bank space");
  space.offset_ = offset_.to(device, "bank space");
  return space;
}

Tensor BankSpace::project(const FeatureGrid& grid) const {
  ASSAY_CHECK(grid.rows.rank() == 2 && grid.rows.dim(1) == input_width(), "BankSpace::project: features of shape ",
              to_string(grid.rows.shape()), ", expected ", input_width(), " channels");
  const Tensor features = grid.rows.to(device(), "features");
  const Tensor rows = ops::matmul(features, matrix_, ops::Transpose::kNo, ops::Transpose::kYes);
  ops::add_row(rows, offset_);
  return rows;
}

int64_t BankSpace::num_reference_cells(int64_t num_cells) const {
  const int64_t count = static_cast<int64_t>(std::llround(reference_share_ * static_cast<double>(num_cells)));
  return std::min(num_cells, std::max<int64_t>(1, count));
}

std::vector<int64_t> BankSpace::reference_cells(int64_t num_cells, uint64_t content_key) const {
  kernels::Generator generator(seed_ ^ kReferenceStream, content_key);
  return kernels::random_sample(num_cells, num_reference_cells(num_cells), generator);
}

Tensor BankSpace::take_references(const FeatureGrid& grid, uint64_t content_key) const {
  return ops::gather_rows(project(grid), reference_cells(grid.rows.dim(0), content_key), "memory bank");
}

nlohmann::json BankSpace::save(std::map<std::string, Tensor>* tensors) const {
  (*tensors)["space.matrix"] = matrix_.to(Device::cpu(), "bank space");
  (*tensors)["space.offset"] = offset_.to(Device::cpu(), "bank space");
  return {{"reference_share", reference_share_}, {"seed", seed_}};
}

Result<BankSpace> BankSpace::load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors,
                                  Device device) {
  const auto matrix = tensors.find("space.matrix");
  const auto offset = tensors.find("space.offset");
  if (matrix == tensors.end() || offset == tensors.end()) return Status::error("the bank's space is missing");
  BankSpace space;
  space.matrix_ = matrix->second;
  space.offset_ = offset->second;
  if (space.matrix_.dtype() != DType::kFloat32 || space.matrix_.rank() != 2 ||
      space.offset_.dtype() != DType::kFloat32 || space.offset_.shape() != Shape{space.matrix_.dim(0)} ||
      space.matrix_.size() == 0) {
    return Status::error("the bank's space has a matrix of shape ", to_string(space.matrix_.shape()),
                         " and an offset of shape ", to_string(space.offset_.shape()),
                         ", expected (W, D) and (W) float32");
  }
  for (const Tensor* t : {&space.matrix_, &space.offset_}) {
    for (int64_t i = 0; i < t->size(); ++i) {
      if (!std::isfinite(t->data<float>()[i]))
        return Status::error("the bank's space holds a number that is not finite");
    }
  }
  const auto share = description.find("reference_share");
  const auto seed = description.find("seed");
  if (share == description.end() || !share->is_number() || seed == description.end() || !seed->is_number_unsigned()) {
    return Status::error("the bank's space lacks reference_share or seed");
  }
  space.reference_share_ = share->get<double>();
  if (!(space.reference_share_ >= 0 && space.reference_share_ <= 1)) {
    return Status::error("the bank's space has a reference_share of ", space.reference_share_, ", expected 0 to 1");
  }
  space.seed_ = seed->get<uint64_t>();
  return space.to(device);
}

}  // namespace assay::models
