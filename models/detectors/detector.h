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
#include <utility>
#include <vector>

#include "kernels/base/status.h"
#include "models/features/feature_grid.h"

namespace assay::models {

// How long to train: sub-models of stage 1 learn the frequent pattern only, the final detector all there is.
// Detectors without training steps treat both alike.
enum class Schedule { kSubModel, kFinal };

class TrainingObserver;

struct FitOptions {
  Schedule schedule = Schedule::kFinal;
  uint64_t seed = 0;
  // Called now and then with the share done, 0 to 1; may be empty. A false answer asks to stop: fit then throws
  // Cancelled.
  std::function<bool(double)> progress = {};
  TrainingObserver* observer = nullptr;  // of detectors that train; the others never call it
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
  // images (batch, height, width). Where a cell's features are those of finer cells within, a detector may tell these
  // apart: the result then has a whole number of values a side of a cell. On the device. Needs an earlier fit or load;
  // safe from several threads at once.
  virtual Tensor score(const FeatureGrid& grid) const = 0;

  // The fitted state. save adds tensors under names of the detector's own, on the CPU whatever the device, and returns
  // the JSON beside them; load accepts what save gave on any device and checks every shape (untrusted input: a Status,
  // never a crash).
  virtual nlohmann::json save(std::map<std::string, Tensor>* tensors) const = 0;
  virtual Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) = 0;

  // Steps that fit takes, each of which looks at some of the images; 0 for detectors that do not train.
  virtual int64_t training_steps(Schedule) const { return 0; }
  // Whether fit takes many passes over the images: who fits several such detectors thinks twice.
  bool trains() const { return training_steps(Schedule::kFinal) > 0; }

  // Not null for detectors whose model is a union of what each image contributes, scored by a minimum over it: stage 1
  // then reads every sub-model off one table of distances instead of fitting it.
  virtual MemoryBankDetector* memory_bank() { return nullptr; }
};

// ---- Training

// Everything that a training goes on from, by name, on the CPU.
using TrainingState = std::vector<std::pair<std::string, Tensor>>;

// What each step had: [0] is the first.
struct TrainingCurve {
  std::vector<float> losses;
  std::vector<double> learning_rates;
};

// A training between two of its steps.
class TrainingInCourse {
 public:
  virtual ~TrainingInCourse() = default;
  virtual int64_t steps_done() const = 0;
  virtual int64_t num_steps() const = 0;
  virtual const Detector& detector() const = 0;  // as it is now: it can score
  // Waits for the device, and so does curve().
  virtual TrainingState state() const = 0;
  virtual TrainingCurve curve() const = 0;
};

// Follows a training, in the thread that trains.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  // Asked before the first step. A state() of a training with the same features, images, options and seed makes this
  // one go on from there, to the same bits on a device of the same kind; an empty one makes it begin. A state of
  // another training is an assay::Error.
  virtual TrainingState resume() { return {}; }
  // After each step. A false answer asks to stop: fit then throws Cancelled.
  virtual bool after_step(const TrainingInCourse& training) = 0;
};

}  // namespace assay::models
