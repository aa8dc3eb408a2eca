// SPDX-License-Identifier: Apache-2.0
// The sub-models of stage 1 as the final detector (--ensemble), with honest scores for its threshold.
#pragma once

#include <memory>
#include <vector>

#include "models/detectors/ensemble.h"
#include "pipeline/stage1/stage1.h"

namespace assay::pipeline {

struct EnsembleOptions {
  ScoringRule scoring;
  uint64_t seed = 0;
  Placement placement;  // members lie, are fitted and score on its first device
};

struct FittedEnsemble {
  std::unique_ptr<models::Ensemble> detector;
  std::vector<int64_t> images;   // those that look normal, ascending
  std::vector<double> held_out;  // of each, its score under the members that have not seen it
};

// Members are stage1.sub_models where it has kept them. Otherwise member k is fitted anew, with the seed seed + k, to
// what is kept of subset k: a memory bank is a union of images, and one that was set aside would find its like. Subsets
// without an image that looks normal have no member; at least two must have one.
//
// One scale: a member's values are divided by the median of the scores that it gives images which look normal and which
// it has not seen, times the median of these medians. The held-out score of an image is that of the map which is the
// mean over all members but its own: one member fewer makes for a little more noise, so it errs on the high side, and
// no detector is fitted for it. Throws models::Cancelled when asked to stop.
Result<FittedEnsemble> fit_ensemble(const models::FeatureSource& features, const Stage1Result& stage1,
                                    const DetectorFactory& make_detector, const EnsembleOptions& options,
                                    Progress* progress);

}  // namespace assay::pipeline
