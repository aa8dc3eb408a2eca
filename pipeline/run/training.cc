// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/training.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "pipeline/features/image_features.h"
#include "pipeline/run/audit.h"
#include "pipeline/run/learning_bias.h"
#include "pipeline/run/memory_advice.h"
#include "pipeline/run/stage1_csv.h"
#include "pipeline/run/version.h"
#include "pipeline/stage1/stage1.h"
#include "pipeline/stage2/cross_fit.h"
#include "pipeline/stage2/ensemble.h"
#include "pipeline/training/resumable.h"

namespace assay::pipeline {
namespace {

constexpr char kTrainingFile[] = "training.csv";
constexpr char kHasTracked[] = "has_tracked_scores";
constexpr int kCalibrationFolds = 5;         // detectors of 80 % of the images stand in for the final one
constexpr int kTrainedCalibrationFolds = 2;  // each fold is a whole training

using Json = nlohmann::ordered_json;

class Training {
 public:
  Training(RunExtent extent, RunState* run)
      : options_(run->options),
        extent_(extent),
        run_(*run),
        parts_(run->folder->unfinished(), kVersion),
        log_(run->folder->file(kTrainingFile)) {}

  Result<std::unique_ptr<Model>> train() {
    run_.clock.begin("features");
    Result<std::unique_ptr<ImageFeatures>> computed = compute_features();
    if (!computed.ok()) return computed.status();
    const ImageFeatures& features = *computed.value();
    ASSAY_RETURN_IF_ERROR(report_problems(features.skipped()));
    if (features.num_images() < 2) {
      return Status::error(options_.data, ": ", features.num_images(),
                           " usable training images (copies count once), expected at least 2");
    }
    Stage1Result stage1;
    stage1.selection.kept.assign(features.num_images(), 1);
    if (!options_.single_stage) {
      Result<Stage1Result> done = purify(features);
      if (!done.ok()) return done.status();
      stage1 = std::move(done).value();
    }
    note_selection(features, stage1);
    if (extent_ == RunExtent::kPurify) return std::unique_ptr<Model>();
    return fit_final(features, stage1);
  }

 private:
  DetectorFactory factory(const std::string& name) const {
    return
        [this, name](Device device) { return models::make_detector(name, options_.detector_options, device).value(); };
  }

  TrainingKeep keep() { return {&parts_, &log_, options_.checkpoint_every_s}; }

  Result<std::unique_ptr<ImageFeatures>> compute_features() {
    Extractors extractors;
    for (const Device& device : options_.placement.devices) {
      Result<std::unique_ptr<models::PatchFeatures>> extractor = make_patch_features(options_.features, device);
      if (!extractor.ok()) return extractor.status();
      extractors.push_back(std::move(extractor).value());
    }
    run_.needs = needs_of_training(run_, *extractors.front());
    Result<std::unique_ptr<FeatureCache>> own = own_cache();
    if (!own.ok()) return own.status();
    const FeatureOptions options = {options_.features.input_size, feature_budget(options_.memory_limit),
                                    run_.folder->path(), options_.placement.batch,
                                    run_.cache != nullptr ? run_.cache.get() : own.value().get()};
    return ImageFeatures::compute(run_.data.train_images, extractors, options, run_.progress);
  }

  // Where a training may be stopped that takes hours, it need not begin with the features again. Null where there is
  // none, or the user's own cache serves.
  Result<std::unique_ptr<FeatureCache>> own_cache() const {
    bool trains = false;
    for (const std::string& name : {options_.detector, first_detector(options_)}) {
      trains = trains || factory(name)(Device::cpu())->trains();
    }
    if (!trains || run_.cache != nullptr) return std::unique_ptr<FeatureCache>();
    return FeatureCache::open(run_.folder->unfinished() + "/features", to_json(options_.features),
                              options_.placement.first());
  }

  // Unusable images: noted, counted, left out; an error where the user is strict.
  Status report_problems(const std::vector<SkippedFile>& skipped) {
    std::vector<SkippedFile>& problems = run_.problems;
    problems.insert(problems.end(), skipped.begin(), skipped.end());
    std::sort(problems.begin(), problems.end(), [](const SkippedFile& a, const SkippedFile& b) {
      return std::tie(a.id, a.reason) < std::tie(b.id, b.reason);
    });
    run_.folder->notes()["skipped"] = skipped_as_json(problems);
    if (options_.strict && !problems.empty()) {
      return Status::error(problems[0].id, ": ", problems[0].reason, " (--strict)");
    }
    for (size_t i = 0; i < problems.size() && i < 5; ++i) {
      run_.progress->note("left out: " + problems[i].id + ": " + problems[i].reason);
    }
    if (problems.size() > 5) run_.progress->note(text("left out: ", problems.size() - 5, " more (run.json lists all)"));
    return Status();
  }

  // ---- Stage 1

  Result<Stage1Result> purify(const ImageFeatures& features) {
    run_.clock.begin("stage 1");
    Stage1Options options = stage1_options();
    const DetectorFactory make_detector = factory(first_detector(options_));
    const Result<std::unique_ptr<DistanceTable>> table =
        make_distance_table(features, make_detector, options, run_.progress);
    if (!table.ok()) return table.status();
    if (table.value() == nullptr) do_without_table(&options);
    Result<Stage1Result> done = run_stage1(features, table.value().get(), make_detector, options, run_.progress);
    if (!done.ok()) return done.status();
    ASSAY_RETURN_IF_ERROR(run_.folder->write(kStage1File, stage1_csv(features, done.value())));
    if (!done.value().tracked.empty()) {
      run_.folder->notes()[kHasTracked] = true;
      ASSAY_RETURN_IF_ERROR(run_.folder->write(kTrackedFile, tracked_scores_csv(features, done.value())));
    }
    return done;
  }

  // Whole images by the mean of the sub-models' scores: what any detector can do.
  void do_without_table(Stage1Options* options) {
    if (needs_distance_table(options->aggregate.aggregate)) options->aggregate.aggregate = Aggregate::kMean;
    options->rescue_patches = false;
    run_.folder->notes()["distance_table"] = false;
  }

  Stage1Options stage1_options() {
    Stage1Options o;
    o.subsets = options_.subsets;
    o.aggregate = options_.aggregate;
    o.expected_bank_share = options_.expected_bank_share;
    o.support_rank = options_.support_rank;
    o.copy_share = options_.copy_share;
    o.false_share = options_.false_share;
    o.doubtful_share = options_.doubtful_share;
    o.keep = options_.keep;
    o.rounds = options_.rounds;
    o.rescue_patches = options_.rescue == Rescue::kPatches;
    o.scoring = options_.scoring;
    o.seed = options_.seed;
    o.memory_budget = table_budget(options_.memory_limit);
    o.max_table_bytes = options_.memory_limit;
    o.spill_folder = run_.folder->path();
    o.placement = options_.placement;
    o.trainings = keep();
    o.track_every = options_.track_scores;
    o.keeps_sub_models = options_.ensemble;
    return o;
  }

  // What the result says about the images.
  void note_selection(const ImageFeatures& features, const Stage1Result& stage1) {
    Json training = to_json(audit_selection(features, stage1, run_.data.opened.truth));
    training["n_skipped"] = run_.problems.size();
    if (options_.clean_by_labels) training["clean_by_labels"] = true;
    if (!options_.single_stage) {
      training["share_of_patches_cut"] = share_of_patches_cut(features, stage1);
      training["alpha_estimated"] = stage1.selection.alpha.alpha;
      training["alpha_estimated_low"] = stage1.selection.alpha.low;
      training["alpha_estimated_high"] = stage1.selection.alpha.high;
    }
    if (!stage1.tracked.empty()) training["learning_bias"] = learning_bias(features, stage1, run_.data.opened.truth);
    run_.folder->notes()["training"] = training;
  }

  // ---- Stage 2

  Result<std::unique_ptr<Model>> fit_final(const ImageFeatures& features, const Stage1Result& stage1) {
    run_.clock.begin("stage 2");
    const std::vector<int64_t> images = images_of_stage2(stage1);
    const auto num_kept = std::count(stage1.selection.kept.begin(), stage1.selection.kept.end(), 1);
    if (images.size() < 2 || num_kept < 1) {
      return Status::error("only ", num_kept, " of ", features.num_images(),
                           " images look normal, too few to fit to; see --keep");
    }
    try {
      Result<FinalDetector> fitted = options_.ensemble ? ensemble(features, stage1) : single(features, images, stage1);
      if (!fitted.ok()) return fitted.status();
      const Calibration calibration = calibrate(fitted.value().normal_scores, options_.false_alarm_rate);
      Json provenance = {{"version", kVersion},
                         {"seed", options_.seed},
                         {"n_images", images.size()},
                         {"single_stage", options_.single_stage}};
      if (options_.clean_by_labels) provenance["clean_by_labels"] = true;
      Result<std::unique_ptr<Model>> model =
          Model::make(options_.features, fitted.value().name, std::move(fitted.value().detector), options_.scoring,
                      calibration, provenance);
      if (!model.ok()) return model.status();
      ASSAY_RETURN_IF_ERROR(model.value()->save(run_.folder->file(kModelFile)));
      run_.folder->notes()["training"]["threshold"] = calibration.threshold;
      run_.folder->notes()["training"]["guaranteed_false_alarm_rate"] = calibration.guaranteed_rate;
      ASSAY_RETURN_IF_ERROR(run_.folder->record_file(kModelFile));
      return model;
    } catch (const models::Cancelled&) {
      return Status::error(kInterrupted);
    }
  }

  struct FinalDetector {
    std::string name;
    std::unique_ptr<models::Detector> detector;
    // Held-out ones of the images that look normal. Those that were set aside may well be anomalous: they have no say
    // in where normal scores end.
    std::vector<double> normal_scores;
  };

  Result<FinalDetector> single(const ImageFeatures& features, const std::vector<int64_t>& images,
                               const Stage1Result& stage1) {
    FinalDetector result = {options_.detector, fit_detector_to(features, images, stage1.excluded), {}};
    CrossFitOptions cross_fit;
    cross_fit.folds = result.detector->trains() ? kTrainedCalibrationFolds : kCalibrationFolds;
    cross_fit.scoring = options_.scoring;
    cross_fit.seed = options_.seed;
    cross_fit.placement = options_.placement;
    cross_fit.keep = keep();
    const std::vector<double> held_out =
        cross_fit_scores(features, images, stage1.excluded, factory(options_.detector), cross_fit, run_.progress);
    for (size_t m = 0; m < images.size(); ++m) {
      if (stage1.selection.kept[images[m]]) result.normal_scores.push_back(held_out[m]);
    }
    return result;
  }

  Result<FinalDetector> ensemble(const ImageFeatures& features, const Stage1Result& stage1) {
    const EnsembleOptions options = {options_.scoring, options_.seed, options_.placement};
    Result<FittedEnsemble> fitted = fit_ensemble(features, stage1, factory(options_.detector), options, run_.progress);
    if (!fitted.ok()) return fitted.status();
    return FinalDetector{kEnsemblePrefix + options_.detector, std::move(fitted.value().detector),
                         std::move(fitted.value().held_out)};
  }

  std::unique_ptr<models::Detector> fit_detector_to(const ImageFeatures& features, const std::vector<int64_t>& images,
                                                    const models::ExcludedCells& excluded) {
    const DetectorFactory make_detector = factory(options_.detector);
    const Device device = options_.placement.first();
    SharedProgress progress(run_.progress, "final detector",
                            make_detector(device)->training_steps(models::Schedule::kFinal));
    FitTask task;
    task.name = "final";
    task.make = [&] { return make_detector(device); };
    task.seed = options_.seed;
    task.fit = [&](models::Detector& detector, const models::FitOptions& how) {
      fit_detector(detector, features, images, excluded, how);
    };
    Fitted fitted = fit_resumably(task, keep(), &progress);
    run_.progress->end();
    return std::move(fitted.detector);
  }

  const RunOptions& options_;
  const RunExtent extent_;
  RunState& run_;
  const PartStore parts_;
  TrainingLog log_;
};

}  // namespace

TrainingSteps training_steps(const RunOptions& o) {
  const auto steps = [&](const std::string& detector, models::Schedule schedule) {
    return models::make_detector(detector, o.detector_options).value()->training_steps(schedule);
  };
  TrainingSteps result;
  if (!o.single_stage) result.stage1 = o.rounds * o.subsets * steps(first_detector(o), models::Schedule::kSubModel);
  if (!o.ensemble) result.stage2 = (1 + kTrainedCalibrationFolds) * steps(o.detector, models::Schedule::kFinal);
  return result;
}

Result<std::unique_ptr<Model>> train(RunExtent extent, RunState* run) { return Training(extent, run).train(); }

bool training_is_whole(RunExtent extent, const RunState& run) {
  const RunFolder& folder = *run.folder;
  return folder.notes().contains("training") && (extent == RunExtent::kPurify || folder.is_whole(kModelFile)) &&
         (run.options.single_stage || folder.is_whole(kStage1File)) &&
         (!folder.notes().value(kHasTracked, false) || folder.is_whole(kTrackedFile));
}

}  // namespace assay::pipeline
