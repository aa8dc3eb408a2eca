// SPDX-License-Identifier: Apache-2.0
// How the losses of a run's trainings fell: training.csv.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "kernels/base/status.h"
#include "models/detectors/detector.h"

namespace assay::pipeline {

// Columns model,iteration,loss,learning_rate; iterations count from 1. Safe to use from several threads.
class TrainingLog {
 public:
  explicit TrainingLog(std::string path) : path_(std::move(path)) {}

  // Models come in the order in which they are first named.
  void declare(const std::string& model);
  // Replaces what the file has of the model. The file is rewritten as a whole, at once.
  Status record(const std::string& model, const models::TrainingCurve& curve);

 private:
  struct Entry {
    std::string model;
    models::TrainingCurve curve;
  };
  Entry& entry_of(const std::string& model);

  const std::string path_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace assay::pipeline
