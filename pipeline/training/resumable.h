// SPDX-License-Identifier: Apache-2.0
// Fitting a detector and scoring with it, in a way that can be stopped and continued to the same bits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/detectors/detector.h"
#include "pipeline/run/shared_progress.h"
#include "pipeline/training/part_store.h"
#include "pipeline/training/training_log.h"

namespace assay::pipeline {

// Where a run keeps what it has of its trainings. Nothing is kept of detectors that do not train: they are fitted again
// sooner than a disk is read.
struct TrainingKeep {
  const PartStore* parts = nullptr;  // null: nothing can be continued
  TrainingLog* log = nullptr;        // null: no curves
  // Between two checkpoints of a training, and at least twenty times as long as one takes to write; 0: after each step.
  double checkpoint_every_s = 60;
};

// The scores of all images at several moments of a training: the last is the score of the trained detector.
struct TrackedScores {
  std::vector<int64_t> steps;               // done by then, ascending
  std::vector<std::vector<double>> scores;  // of each moment, one an image
};

// One detector to be fitted, and what is wanted of it.
struct FitTask {
  std::string name;  // of its parts and in the log: unique within a run
  std::function<std::unique_ptr<models::Detector>()> make;
  models::Schedule schedule = models::Schedule::kFinal;
  uint64_t seed = 0;
  // Has the detector fitted with just these options, which follow it.
  std::function<void(models::Detector&, const models::FitOptions&)> fit;
  // Empty: no scores are wanted. Otherwise of `num_scores` images; the values mean nothing once progress is stopped.
  std::function<std::vector<double>(const models::Detector&)> score;
  int64_t num_scores = 0;
  int64_t track_every = 0;     // steps between two rows of TrackedScores; 0: none. Detectors that train only
  bool keeps_detector = true;  // false: its scores are all that is wanted
};

struct Fitted {
  std::unique_ptr<models::Detector> detector;  // null where it is not to be kept
  std::vector<double> scores;
  TrackedScores tracked;
};

// Fits and scores, or takes the outcome that an earlier call has left in the parts, or goes on from where one was when
// it was stopped. `progress` counts the steps of detectors that train. Throws models::Cancelled when asked to stop,
// with a checkpoint of where it is. A part that cannot be read or written is noted, and does no harm but to the time
// that continuing takes.
Fitted fit_resumably(const FitTask& task, const TrainingKeep& keep, SharedProgress* progress);

}  // namespace assay::pipeline
