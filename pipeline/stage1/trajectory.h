// SPDX-License-Identifier: Apache-2.0
// From the scores that an image had while sub-models were trained to one number per sub-model.
#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/training/resumable.h"

namespace assay::pipeline {

// areas[i * K + k]: the mean over the steps of sub-model k's training of image i's score, a score that was taken at one
// moment standing for the steps since the moment before: the area under its curve, divided by the number of steps.
//
// A sub-model learns what is frequent first, so an anomaly's score is not only higher in the end but falls later. How
// far apart the curves are at a moment is what that moment weighs: before anything is learnt all images score alike and
// add nothing to the differences; late in a training, when anomalies may be reconstructed as well, earlier moments
// still count. Taking off the median image's curve would take off one constant a sub-model, which Normalise::kRobust
// does.
//
// tracked: of each of K >= 1 sub-models, all with the same moments and images (assay::Error).
std::vector<double> trajectory_areas(const std::vector<TrackedScores>& tracked);

}  // namespace assay::pipeline
