// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage2/ensemble.h"

#include <algorithm>
#include <utility>

#include "pipeline/run/shared_progress.h"
#include "pipeline/stage1/robust.h"
#include "pipeline/stage2/cross_fit.h"

namespace assay::pipeline {
namespace {

class EnsembleFit {
 public:
  EnsembleFit(const models::FeatureSource& features, const Stage1Result& stage1, const EnsembleOptions& options)
      : features_(features), stage1_(stage1), options_(options) {
    for (int64_t i = 0; i < features.num_images(); ++i) {
      if (stage1.selection.kept[i]) kept_.push_back(i);
    }
  }

  Result<FittedEnsemble> run(const DetectorFactory& make_detector, Progress* progress) {
    for (int k = 0; k < stage1_.num_models; ++k) {
      if (num_kept_of(k) > 0) subsets_.push_back(k);
    }
    if (subsets_.size() < 2) {
      return Status::error("--ensemble: ", subsets_.size(), " of ", stage1_.num_models,
                           " subsets have images that look normal, expected at least 2");
    }
    // Each image is scored by each member, and by the members together.
    const int64_t num_kept = static_cast<int64_t>(kept_.size());
    SharedProgress shared(progress, "ensemble", num_kept * static_cast<int64_t>(subsets_.size()) + num_kept);
    for (const int k : subsets_) members_.push_back({member(k, make_detector, &shared), 1});
    bring_to_one_scale(&shared);
    FittedEnsemble fitted;
    fitted.held_out = held_out_scores(&shared);
    fitted.images = kept_;
    fitted.detector = std::make_unique<models::Ensemble>(members_);
    progress->end();
    return fitted;
  }

 private:
  int64_t num_kept_of(int k) const {
    return std::count_if(kept_.begin(), kept_.end(), [&](int64_t i) { return stage1_.subset[i] == k; });
  }

  std::shared_ptr<const models::Detector> member(int k, const DetectorFactory& make_detector,
                                                 SharedProgress* progress) const {
    if (!stage1_.sub_models.empty()) return stage1_.sub_models[k];
    std::vector<int64_t> images;
    models::ExcludedCells excluded;
    for (const int64_t i : images_of_stage2(stage1_)) {
      if (stage1_.subset[i] != k) continue;
      images.push_back(i);
      const auto cells = stage1_.excluded.find(i);
      if (cells != stage1_.excluded.end()) excluded.insert(*cells);
    }
    std::shared_ptr<models::Detector> fitted = make_detector(options_.placement.first());
    fit_detector(*fitted, features_, images, excluded,
                 {models::Schedule::kSubModel, options_.seed + static_cast<uint64_t>(k),
                  [&](double) { return progress->advance(0); }});
    return fitted;
  }

  std::vector<double> scores(const models::Detector& detector, const std::vector<int64_t>& images,
                             SharedProgress* progress) const {
    std::vector<double> found = score_images(detector, features_, images, options_.scoring, options_.placement.batch,
                                             [&](int64_t more) { return progress->advance(more); });
    if (progress->is_stopped()) throw models::Cancelled();
    return found;
  }

  void bring_to_one_scale(SharedProgress* progress) {
    std::vector<double> medians;
    for (size_t m = 0; m < members_.size(); ++m) {
      std::vector<int64_t> unseen;
      std::copy_if(kept_.begin(), kept_.end(), std::back_inserter(unseen),
                   [&](int64_t i) { return stage1_.subset[i] != subsets_[m]; });
      medians.push_back(median(scores(*members_[m].detector, unseen, progress)));
    }
    const double scale = median(medians);
    for (size_t m = 0; m < members_.size(); ++m) {
      // Images all of which score 0 say nothing about a scale.
      if (medians[m] > 0 && scale > 0) members_[m].weight = scale / medians[m];
    }
  }

  std::vector<double> held_out_scores(SharedProgress* progress) const {
    std::vector<double> held_out(kept_.size());
    // Images of one subset share the members that have not seen them; -1: images that no member has seen.
    for (int k = -1; k < stage1_.num_models; ++k) {
      std::vector<int64_t> images;
      std::vector<size_t> positions;
      for (size_t p = 0; p < kept_.size(); ++p) {
        if (stage1_.subset[kept_[p]] != k) continue;
        images.push_back(kept_[p]);
        positions.push_back(p);
      }
      if (images.empty()) continue;
      std::vector<models::Ensemble::Member> others;
      for (size_t m = 0; m < members_.size(); ++m) {
        if (subsets_[m] != k) others.push_back(members_[m]);
      }
      const std::vector<double> found = scores(models::Ensemble(others), images, progress);
      for (size_t p = 0; p < positions.size(); ++p) held_out[positions[p]] = found[p];
    }
    return held_out;
  }

  const models::FeatureSource& features_;
  const Stage1Result& stage1_;
  const EnsembleOptions& options_;
  std::vector<int64_t> kept_;
  std::vector<int> subsets_;  // of each member
  std::vector<models::Ensemble::Member> members_;
};

}  // namespace

Result<FittedEnsemble> fit_ensemble(const models::FeatureSource& features, const Stage1Result& stage1,
                                    const DetectorFactory& make_detector, const EnsembleOptions& options,
                                    Progress* progress) {
  return EnsembleFit(features, stage1, options).run(make_detector, progress);
}

}  // namespace assay::pipeline
