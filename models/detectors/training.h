// SPDX-License-Identifier: Apache-2.0
// The training of a detector's network, step by step: batches, losses, optimiser, and what an observer sees of it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/optim/optimizer.h"
#include "models/detectors/detector.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

// Of a training that takes so many steps for the final detector, and a share of them, at least one, for a sub-model.
int64_t steps_of(Schedule schedule, int64_t iterations, double sub_model_share);

// Batches, and whatever else is random in a step, are functions of seed and step, so that parameters, buffers, moments
// and losses are all the state of a training.
struct TrainingPlan {
  const Detector* detector;   // that scores with the parameters
  ParameterList* parameters;  // initialised by train()
  const char* name;           // the detector's, in messages and for what it allocates
  int64_t num_steps;
  int64_t batch;
  optim::OptimizerOptions optimizer;
  std::function<double(int64_t step)> learning_rate;
  // One number, of a batch on the detector's device.
  std::function<autograd::Var(autograd::Tape& tape, const FeatureGrid& grid, int64_t step)> loss;
};

// Returns the loss of each step. Throws Cancelled where progress or the observer asks to stop, and assay::Error where a
// loss is not finite or the observer's state is of another training.
std::vector<float> train(const TrainingPlan& plan, const FeatureSource& features, const std::vector<int64_t>& images,
                         const FitOptions& options);

}  // namespace assay::models
