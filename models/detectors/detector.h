// SPDX-License-Identifier: Apache-2.0
// What every anomaly detector is to the stages: something that is fitted to the features of some images and then gives
// each patch of any image an anomaly value. Stages 1 and 2 know nothing else about a detector (but see memory_bank()).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/features/feature_grid.h"

namespace assay::models {

// How long to train: sub-models of stage 1 learn the frequent pattern only, the final detector all there is.
// Detectors without training steps treat both alike.
enum class Schedule { kSubModel, kFinal };

struct FitOptions {
  Schedule schedule = Schedule::kFinal;
  uint64_t seed = 0;
  // Called now and then with the share done, 0 to 1; may be empty. A false answer asks to stop: fit then throws
  // Cancelled.
  std::function<bool(double)> progress;
};

class Cancelled : public Error {
 public:
  Cancelled() : Error("interrupted") {}
};

class MemoryBankDetector;

// Lives on one device, where it is fitted and scores; features are brought there.
class Detector {
 public:
  virtual ~Detector() = default;
  virtual Device device() const { return Device::cpu(); }

  // Fits to the given images of the source (indices, at least one; no order is implied: the same set gives the same
  // model). Same images, options, seed and kind of device: same bits, for any number of threads. Replaces an earlier
  // fit.
  virtual void fit(const FeatureSource& features, const std::vector<int64_t>& images, const FitOptions& options) = 0;

  // Anomaly value of each cell of the grid, (height, width) float32, higher is more anomalous; of a grid of several
  // images (batch, height, width). On the device. Needs an earlier fit or load; safe from several threads at once.
  virtual Tensor score(const FeatureGrid& grid) const = 0;

  // The fitted state. save adds tensors under names of the detector's own, on the CPU whatever the device, and returns
  // the JSON beside them; load accepts what save gave on any device and checks every shape (untrusted input: a Status,
  // never a crash).
  virtual nlohmann::json save(std::map<std::string, Tensor>* tensors) const = 0;
  virtual Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) = 0;

  // Whether fit takes many passes over the images: who fits several such detectors thinks twice.
  virtual bool trains() const { return false; }

  // Not null for detectors whose model is a union of what each image contributes, scored by a minimum over it: stage 1
  // then reads every sub-model off one table of distances instead of fitting it.
  virtual MemoryBankDetector* memory_bank() { return nullptr; }
};

}  // namespace assay::models
