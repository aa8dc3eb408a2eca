// SPDX-License-Identifier: Apache-2.0
// The space in which a memory bank measures distances, and what each image contributes to a bank in it.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/features/feature_grid.h"

namespace assay::models {

struct BankSpaceOptions {
  int64_t width = 128;            // D', principal components kept; at least D keeps all D
  double whiten = 0;              // 0: plain principal components, distances as in the features; 1: equal variances
  double shrinkage = 0.01;        // of the mean variance, added to each component's own before it divides
  double reference_share = 0.25;  // of an image's patches that become references, at least one patch
};

// By image: one byte per grid cell, not zero where the cell must not be learnt from. Images that are not named are
// whole.
using ExcludedCells = std::map<int64_t, std::vector<uint8_t>>;

// Removes from `cells`, cells of one image's grid of num_cells, those that are excluded. Throws where the image's marks
// are not as many as the grid has cells.
void drop_excluded(const ExcludedCells& excluded, int64_t image, int64_t num_cells, std::vector<int64_t>* cells);

// The given images of the source in an order that depends on their contents alone.
std::vector<int64_t> by_content(const FeatureSource& features, const std::vector<int64_t>& images);

// The affine map y = L^-w/2 V^T (x - m) from features to bank rows: m is the mean of all patches of the fitted images,
// V the first D' principal axes of their covariance, L their variances plus shrinkage, w = `whiten`. Distances for w =
// 1 are Mahalanobis's (1936) in the kept axes.
class BankSpace {
 public:
  BankSpace() = default;
  // Over the given images of the source, at least one, in whatever order: neither it nor the number of threads changes
  // a bit of the result. Excluded cells have no part in it; some cell must be left (assay::Error). The space lives on
  // the device, which sums the covariance.
  static BankSpace fit(const FeatureSource& features, const std::vector<int64_t>& images,
                       const BankSpaceOptions& options, uint64_t seed, const ExcludedCells& excluded = {},
                       Device device = Device::cpu());
  // The same space on another device.
  BankSpace to(Device device) const;
  Device device() const { return matrix_.device(); }

  int64_t input_width() const { return matrix_.dim(1); }  // D
  int64_t width() const { return matrix_.dim(0); }        // D'

  // All patches of a grid, which are brought to the device: (batch * height * width, D').
  Tensor project(const FeatureGrid& grid) const;
  // The cells that stand for an image in a bank: ascending, a random sample without replacement that depends on the
  // image's content and the space's seed alone.
  std::vector<int64_t> reference_cells(int64_t num_cells, uint64_t content_key) const;
  // How many they are.
  int64_t num_reference_cells(int64_t num_cells) const;
  // Their rows in the space, of a grid of one image: (number of reference cells, D').
  Tensor take_references(const FeatureGrid& grid, uint64_t content_key) const;

  // Tensors in files lie on the CPU.
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const;
  static Result<BankSpace> load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors,
                                Device device = Device::cpu());

 private:
  double reference_share_ = 0.1;
  uint64_t seed_ = 0;
  Tensor matrix_;  // (D', D)
  Tensor offset_;  // (D'), y = matrix x + offset
};

}  // namespace assay::models
