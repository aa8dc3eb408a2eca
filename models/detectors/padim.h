// SPDX-License-Identifier: Apache-2.0
// PaDiM: a Gaussian per grid position, patches judged by their Mahalanobis distance from it. Source: Defard, Setkov,
// Loesch, Audigier 2021; covariance with divisor N - 1 plus 0.01 I, over a random subset of the channels.
//
// Positions need one grid for all images, while images keep their aspect ratio and so differ in cells. Features are
// therefore resampled, bilinearly, to the reference grid, and maps back to the image's own. A grid with more than twice
// the reference's rows or columns loses some of its cells that way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/ops/position_gaussians.h"
#include "engine/tensor/tensor.h"
#include "models/detectors/detector.h"

namespace assay::models {

struct PadimOptions {
  int64_t channels = 100;        // kept of the D channels, all where there are fewer; >= 1
  double regularisation = 0.01;  // added to each variance; > 0
  int64_t grid_height = 0;       // cells of the reference grid; 0: the (lower) median over the fitted images
  int64_t grid_width = 0;        // the same
};

class Padim : public Detector {
 public:
  explicit Padim(const PadimOptions& options = {}, Device device = Device::cpu());

  Device device() const override { return device_; }

  // Both schedules are alike: there is nothing to train. Fitting keeps 4 D^2 bytes for each position, finished models
  // 2 D^2, D being the channels kept. Works from one image on. Throws where features are not finite. An earlier fit
  // survives a failed one.
  void fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) override;

  // Distances in standard deviations, >= 0. NaN around cells whose features are not finite.
  Tensor score(const FeatureGrid& grid) const override;

  // Tensors padim.mean (P, D), padim.cholesky (P, D (D + 1) / 2), padim.channels (D) int32, ascending; the description
  // has the reference grid's height and width, P being their product, and feature_width, the channels before the
  // choice.
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const override;
  Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) override;

 private:
  struct Model {
    int64_t height = 0;  // of the reference grid
    int64_t width = 0;
    int64_t feature_width = 0;  // of the source, before channels are chosen
    Tensor channels;            // (D) int32, ascending, on the CPU
    Tensor channel_index;       // (D) int64, the same on the device
    ops::PositionGaussians gaussians;
  };
  // The chosen channels of a grid at the reference grid's positions, (batch, height, width, D).
  static Tensor at_reference_grid(const FeatureGrid& grid, const Model& model);

  PadimOptions options_;
  Device device_;
  std::optional<Model> model_;
};

}  // namespace assay::models
