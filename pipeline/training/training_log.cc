// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/training_log.h"

#include <cstdio>

#include "pipeline/data/file.h"

namespace assay::pipeline {

TrainingLog::Entry& TrainingLog::entry_of(const std::string& model) {
  for (Entry& entry : entries_) {
    if (entry.model == model) return entry;
  }
  entries_.push_back({model, {}});
  return entries_.back();
}

void TrainingLog::declare(const std::string& model) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entry_of(model);
}

Status TrainingLog::record(const std::string& model, const models::TrainingCurve& curve) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entry_of(model).curve = curve;
  std::string csv = "model,iteration,loss,learning_rate\n";
  for (const Entry& entry : entries_) {
    for (size_t step = 0; step < entry.curve.losses.size(); ++step) {
      char numbers[80];
      std::snprintf(numbers, sizeof numbers, ",%zu,%.9g,%.9g\n", step + 1,
                    static_cast<double>(entry.curve.losses[step]), entry.curve.learning_rates[step]);
      csv += entry.model + numbers;
    }
  }
  return data::write_file_atomically(path_, {reinterpret_cast<const uint8_t*>(csv.data()), csv.size()});
}

}  // namespace assay::pipeline
