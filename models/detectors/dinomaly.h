// SPDX-License-Identifier: Apache-2.0
// Reconstruction of frozen features by a trained network (dinomaly_network.h); a cell's anomaly value is the mean over
// groups of the cosine distance between its features and their reconstruction. Where features have a prefix, a
// transformer's class token and registers, the network sees and reconstructs it with the cells, but neither the loss
// nor a score counts it. Recipe of training: Guo et al. 2025, section 4, and the published code.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/detectors/detector.h"
#include "models/detectors/dinomaly_network.h"

namespace assay::models {

struct DinomalyOptions {
  // Which published recipe, and how long. Iterations are those of the final detector; sub-models of stage 1 take
  // sub_model_share of them: they are to learn the frequent pattern only.
  enum class Recipe {
    kDinomaly,  // StableAdamW 2e-3 (0.9, 0.999), decay 1e-4, eps 1e-10, amsgrad, update clip 1; warm-up, cosine to
                // 2e-4; gradient norm 0.1; hard mining with factor 0.1, share rising to 0.9 over 1000 iterations
    kLlbnad,    // Adam 5e-3 (0.5, 0.999), a tenth after 80 %; gradient norm 5; hard mining with factor 0, share 0.9
  };
  Recipe recipe = Recipe::kDinomaly;
  int64_t iterations = 1000;  // the published trainings of one category take 5000
  double sub_model_share = 0.3;
  int64_t batch = 16;
  int64_t groups = 1;  // how many feature levels of one width stand side by side in a row; each is reconstructed
  int64_t blocks = 8;
  float dropout = 0.2f;
  bool recompute = false;
};

class Dinomaly : public Detector {
 public:
  // Throws assay::Error for options out of their range.
  explicit Dinomaly(const DinomalyOptions& options, Device device = Device::cpu());
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
    explicit Model(const DinomalyShape& shape) : network(&parameters, shape) {}
    ParameterList parameters;
    DinomalyNetwork network;
  };
  DinomalyShape shape_for(int64_t feature_width) const;
  autograd::Var loss(autograd::Tape& tape, const FeatureGrid& grid, int64_t step, const FitOptions& options) const;

  DinomalyOptions options_;
  Device device_;
  std::unique_ptr<Model> model_;
  std::vector<float> losses_;
};

}  // namespace assay::models
