// SPDX-License-Identifier: Apache-2.0
// Reverse distillation: a frozen network's levels are embedded and given back by a trained network (rd_network.h),
// which has learnt to do so for normal images; the anomaly value of a place is the sum over levels of the cosine
// distance between what is there and what is given back, each level's map brought bilinearly to the finest one's grid.
//
// Features are packed (features/packed_cells.h): a row is a cell of the coarsest level and holds the cells of all
// levels that lie within, the finest level first. Values are scored for the cells of the finest level.
//
// Training as published (Deng, Li 2022, section 4, and their code): the loss is the sum over levels of the mean over
// images of 1 - cosine between whole maps, flattened. That is the code's; the paper writes the mean over positions.
// Adam 5e-3 (0.5, 0.999), batches of 16, 200 epochs. Maps of the published code are each brought to the image's size,
// corners aligned; here to the finest level's, and their sum to the image's, corners of pixels aligned.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/detectors/detector.h"
#include "models/detectors/rd_network.h"

namespace assay::models {

struct RdOptions {
  RdShape shape = {{24, 40, 112}};  // as the features' levels are; these are EfficientNet-Lite0's
  // Of the final detector; sub-models of stage 1 take sub_model_share of them. 200 epochs of 320 images are 4000.
  int64_t iterations = 200;
  double sub_model_share = 0.3;
  int64_t batch = 16;
};

class Rd : public Detector {
 public:
  // Throws assay::Error for options out of their range.
  explicit Rd(const RdOptions& options, Device device = Device::cpu());
  Device device() const override { return device_; }

  void fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) override;
  Tensor score(const FeatureGrid& grid) const override;
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const override;
  Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) override;

  int64_t training_steps(Schedule schedule) const override;

  // The loss of each iteration of the last fit.
  const std::vector<float>& losses() const { return losses_; }

 private:
  struct Model {
    explicit Model(const RdShape& shape) : network(&parameters, shape) {}
    ParameterList parameters;
    RdNetwork network;
  };

  RdOptions options_;
  Device device_;
  std::unique_ptr<Model> model_;
  std::vector<float> losses_;
};

// Columns of a row of packed levels.
int64_t rd_feature_width(const RdShape& shape);

}  // namespace assay::models
