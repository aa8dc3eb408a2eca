// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "kernels/base/parallel.h"
#include "pipeline/data/sha256.h"
#include "pipeline/dataset/open.h"
#include "pipeline/evaluation/evaluate.h"
#include "pipeline/features/image_features.h"
#include "pipeline/run/audit.h"
#include "pipeline/run/run_folder.h"
#include "pipeline/run/stage1_csv.h"
#include "pipeline/run/version.h"
#include "pipeline/stage1/stage1.h"
#include "pipeline/stage2/cross_fit.h"

namespace assay::pipeline {
namespace {

constexpr char kModel[] = "model.assay";
constexpr char kStage1[] = "stage1.csv";
constexpr char kScores[] = "scores.csv";
constexpr char kMetrics[] = "metrics.json";
constexpr int kCalibrationFolds = 5;         // detectors of 80 % of the images stand in for the final one
constexpr int kTrainedCalibrationFolds = 2;  // each fold is a whole training

using Json = nlohmann::ordered_json;

// Seconds per phase, in the order in which they began.
class PhaseClock {
 public:
  void begin(const std::string& phase) {
    end();
    phase_ = phase;
    begun_ = Clock::now();
  }
  void end() {
    if (!phase_.empty()) seconds_[phase_] = seconds_.value(phase_, 0.0) + since(begun_);
    phase_.clear();
  }
  double total() const { return since(start_); }
  const Json& seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  static double since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

  const Clock::time_point start_ = Clock::now();
  Clock::time_point begun_;
  std::string phase_;
  Json seconds_ = Json::object();
};

int64_t peak_rss_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

// Names in it need not be UTF-8.
std::string printable(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string sha256_of(const std::string& s) {
  return data::sha256({reinterpret_cast<const uint8_t*>(s.data()), s.size()});
}

class Run {
 public:
  Run(const RunOptions& options, const std::string& out, RunExtent extent, Progress* progress)
      : options_(options), out_(out), extent_(extent), progress_(progress) {}

  Result<Json> run() {
    clock_.begin("reading files");
    ASSAY_RETURN_IF_ERROR(RunFolder::check_writable(out_));
    ASSAY_RETURN_IF_ERROR(open_data());
    ASSAY_RETURN_IF_ERROR(open_folder());
    const bool is_done = folder_->notes().contains("result");
    if (is_done && results_are_whole()) {
      progress_->note(out_ + ": this run is complete, nothing to do");
      return folder_->notes()["result"];
    }
    std::unique_ptr<Model> model;
    if (training_is_done()) {
      Result<std::unique_ptr<Model>> loaded = Model::load(folder_->file(kModel));
      if (!loaded.ok()) return loaded.status();
      model = std::move(loaded).value();
      progress_->note(out_ + ": continuing with the model that is there");
    } else {
      Result<std::unique_ptr<Model>> trained = train();
      if (!trained.ok()) return trained.status();
      model = std::move(trained).value();
    }
    Json result = folder_->notes()["training"];
    if (extent_ == RunExtent::kWhole) ASSAY_RETURN_IF_ERROR(evaluate_test_images(*model, &result));
    clock_.end();
    result["seconds"] = clock_.total();
    result["peak_rss_bytes"] = peak_rss_bytes();
    result["phases"] = clock_.seconds();
    folder_->notes()["result"] = result;
    ASSAY_RETURN_IF_ERROR(folder_->write_record());
    return result;
  }

 private:
  // ---- The data

  Status open_data() {
    Result<dataset::Opened> opened = dataset::open_dataset(options_.data, options_.dataset);
    if (!opened.ok()) return opened.status();
    opened_ = std::move(opened).value();
    for (const dataset::Problem& p : opened_.problems) problems_.push_back({p.where, p.reason});
    std::vector<ImageFile> files;
    for (const dataset::Item& item : opened_.dataset.items) {
      const bool wanted = item.split == dataset::Split::kTrain || extent_ == RunExtent::kWhole;
      if (wanted) files.push_back({item.id, opened_.dataset.path_of(item.id)});
      if (wanted && item.split == dataset::Split::kTest) test_files_.push_back(files.back());
    }
    Result<HashedFiles> hashed = hash_files(files, progress_);
    if (!hashed.ok()) return hashed.status();
    std::map<std::string, std::string> digest_of;
    for (const ImageContent& image : hashed.value().images) {
      for (const std::string& id : image.ids) digest_of[id] = image.sha256;
    }
    for (const SkippedFile& s : hashed.value().skipped) problems_.push_back(s);
    const std::vector<std::string> train_ids = opened_.dataset.ids(dataset::Split::kTrain);
    if (train_ids.empty()) return Status::error(options_.data, ": holds no training images");
    const std::set<std::string> is_train(train_ids.begin(), train_ids.end());
    for (ImageContent& image : hashed.value().images) {
      ImageContent training = image;
      const auto is_test = [&](const std::string& id) { return is_train.count(id) == 0; };
      training.ids.erase(std::remove_if(training.ids.begin(), training.ids.end(), is_test), training.ids.end());
      if (training.ids.empty()) continue;
      training.path = opened_.dataset.path_of(training.ids[0]);
      train_images_.push_back(std::move(training));
    }
    std::string images, labels;
    for (const dataset::Item& item : opened_.dataset.items) {
      const dataset::Truth& truth = opened_.truth.of(item.id);
      images += text(dataset::to_string(item.split), " ", digest_of[item.id], " ", item.id, "\n");
      labels += text(truth.label, " ", truth.mask, " ", truth.defect, " ", item.id, "\n");
    }
    data_sha256_ = sha256_of(images);
    labels_sha256_ = sha256_of(labels);
    return Status();
  }

  Status open_folder() {
    Json wanted = configuration(options_);
    wanted["extent"] = extent_ == RunExtent::kWhole ? "run" : "purify";
    wanted["data_sha256"] = data_sha256_;
    wanted["labels_sha256"] = labels_sha256_;  // for the metrics
    Result<std::unique_ptr<RunFolder>> folder = RunFolder::open(out_, wanted);
    if (!folder.ok()) return folder.status();
    folder_ = std::move(folder).value();
    folder_->notes()["version"] = kVersion;
    return Status();
  }

  bool training_is_done() const {
    return extent_ == RunExtent::kWhole && folder_->is_whole(kModel) && folder_->notes().contains("training") &&
           (options_.single_stage || folder_->is_whole(kStage1));
  }

  bool results_are_whole() const {
    std::vector<std::string> names;
    if (!options_.single_stage) names.push_back(kStage1);
    if (extent_ == RunExtent::kWhole) names.push_back(kModel);
    if (folder_->notes().value("has_scores", false)) names.push_back(kScores);
    if (folder_->notes().value("has_metrics", false)) names.push_back(kMetrics);
    return std::all_of(names.begin(), names.end(), [&](const std::string& n) { return folder_->is_whole(n); });
  }

  // Unusable images: noted, counted, left out; an error where the user is strict.
  Status report_problems(const std::vector<SkippedFile>& skipped) {
    problems_.insert(problems_.end(), skipped.begin(), skipped.end());
    std::sort(problems_.begin(), problems_.end(), [](const SkippedFile& a, const SkippedFile& b) {
      return std::tie(a.id, a.reason) < std::tie(b.id, b.reason);
    });
    Json list = Json::array();
    for (const SkippedFile& p : problems_) list.push_back({{"path", p.id}, {"reason", p.reason}});
    folder_->notes()["skipped"] = list;
    if (options_.strict && !problems_.empty()) {
      return Status::error(problems_[0].id, ": ", problems_[0].reason, " (--strict)");
    }
    for (size_t i = 0; i < problems_.size() && i < 5; ++i) {
      progress_->note("left out: " + problems_[i].id + ": " + problems_[i].reason);
    }
    if (problems_.size() > 5) progress_->note(text("left out: ", problems_.size() - 5, " more (run.json lists all)"));
    return Status();
  }

  // ---- Training

  DetectorFactory factory(const std::string& name) const {
    return [this, name] { return models::make_detector(name, options_.detector_options).value(); };
  }

  Result<std::unique_ptr<Model>> train() {
    const Result<std::unique_ptr<models::PatchFeatures>> extractor = make_patch_features(options_.features);
    if (!extractor.ok()) return extractor.status();
    clock_.begin("features");
    // Half of the limit is for what phases need beside the features.
    const FeatureOptions feature_options = {options_.features.input_size, options_.memory_limit / 2, out_};
    Result<std::unique_ptr<ImageFeatures>> computed =
        ImageFeatures::compute(train_images_, *extractor.value(), feature_options, progress_);
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
      clock_.begin("stage 1");
      Stage1Options options = stage1_options();
      const DetectorFactory make_detector = factory(configured_stage1_detector());
      const Result<std::unique_ptr<DistanceTable>> table =
          make_distance_table(features, make_detector, options, progress_);
      if (!table.ok()) return table.status();
      if (table.value() == nullptr) do_without_table(&options);
      Result<Stage1Result> done = run_stage1(features, table.value().get(), make_detector, options, progress_);
      if (!done.ok()) return done.status();
      stage1 = std::move(done).value();
      ASSAY_RETURN_IF_ERROR(folder_->write(kStage1, stage1_csv(features, stage1)));
    }
    const Audit audit = audit_selection(features, stage1, opened_.truth);
    Json training = to_json(audit);
    training["n_skipped"] = problems_.size();
    if (!options_.single_stage) {
      training["share_of_patches_cut"] = share_of_patches_cut(features, stage1);
      training["alpha_estimated"] = stage1.selection.alpha.alpha;
      training["alpha_estimated_low"] = stage1.selection.alpha.low;
      training["alpha_estimated_high"] = stage1.selection.alpha.high;
    }
    folder_->notes()["training"] = training;
    if (extent_ == RunExtent::kPurify) return std::unique_ptr<Model>();
    return fit_final(features, stage1);
  }

  const std::string& configured_stage1_detector() const {
    return options_.stage1_detector.empty() ? options_.detector : options_.stage1_detector;
  }

  // Whole images by the mean of the sub-models' scores: what any detector can do.
  void do_without_table(Stage1Options* options) {
    if (needs_distance_table(options->aggregate.aggregate)) options->aggregate.aggregate = Aggregate::kMean;
    options->rescue_patches = false;
    folder_->notes()["distance_table"] = false;
  }

  Stage1Options stage1_options() const {
    Stage1Options o;
    o.subsets = options_.subsets;
    o.aggregate = options_.aggregate;
    o.expected_bank_share = options_.expected_bank_share;
    o.support_rank = options_.support_rank;
    o.false_share = options_.false_share;
    o.doubtful_share = options_.doubtful_share;
    o.keep = options_.keep;
    o.rounds = options_.rounds;
    o.rescue_patches = options_.rescue == Rescue::kPatches;
    o.scoring = options_.scoring;
    o.seed = options_.seed;
    o.memory_budget = options_.memory_limit / 4;
    o.max_table_bytes = options_.memory_limit;
    o.spill_folder = out_;
    return o;
  }

  Result<std::unique_ptr<Model>> fit_final(const ImageFeatures& features, const Stage1Result& stage1) {
    clock_.begin("stage 2");
    const std::vector<int64_t> images = images_of_stage2(stage1);
    const auto num_kept = std::count(stage1.selection.kept.begin(), stage1.selection.kept.end(), 1);
    if (images.size() < 2 || num_kept < 1) {
      return Status::error("only ", num_kept, " of ", features.num_images(),
                           " images look normal, too few to fit to; see --keep");
    }
    try {
      const auto keep_going = [&](double) { return !progress_->stop_requested(); };
      std::unique_ptr<models::Detector> detector = factory(options_.detector)();
      progress_->begin("final detector", 0);
      fit_detector(*detector, features, images, stage1.excluded, {models::Schedule::kFinal, options_.seed, keep_going});
      progress_->end();
      const int folds = detector->trains() ? kTrainedCalibrationFolds : kCalibrationFolds;
      const std::vector<double> held_out =
          cross_fit_scores(features, images, stage1.excluded, folds, factory(options_.detector), options_.scoring,
                           options_.seed, progress_);
      // Images that were set aside may well be anomalous: they have no say in where normal scores end.
      std::vector<double> normal_scores;
      for (size_t m = 0; m < images.size(); ++m) {
        if (stage1.selection.kept[images[m]]) normal_scores.push_back(held_out[m]);
      }
      const Calibration calibration = calibrate(normal_scores, options_.false_alarm_rate);
      Json provenance = {{"version", kVersion},
                         {"seed", options_.seed},
                         {"n_images", images.size()},
                         {"single_stage", options_.single_stage}};
      Result<std::unique_ptr<Model>> model = Model::make(options_.features, options_.detector, std::move(detector),
                                                         options_.scoring, calibration, provenance);
      if (!model.ok()) return model.status();
      ASSAY_RETURN_IF_ERROR(model.value()->save(folder_->file(kModel)));
      folder_->notes()["training"]["threshold"] = calibration.threshold;
      folder_->notes()["training"]["guaranteed_false_alarm_rate"] = calibration.guaranteed_rate;
      ASSAY_RETURN_IF_ERROR(folder_->record_file(kModel));
      return model;
    } catch (const models::Cancelled&) {
      return Status::error(kInterrupted);
    }
  }

  // ---- Evaluation

  Status evaluate_test_images(const Model& model, Json* result) {
    if (test_files_.empty()) return Status();
    clock_.begin("scoring");
    const Result<Evaluation> evaluated = evaluate(model, test_files_, opened_, progress_);
    if (!evaluated.ok()) return evaluated.status();
    const Evaluation& e = evaluated.value();
    for (const SkippedFile& s : e.skipped) progress_->note("left out: " + s.id + ": " + s.reason);
    if (options_.strict && !e.skipped.empty()) return Status::error(e.skipped[0].reason, " (--strict)");
    Json skipped = Json::array();
    for (const SkippedFile& s : e.skipped) skipped.push_back({{"path", s.id}, {"reason", s.reason}});
    folder_->notes()["skipped_test"] = skipped;
    folder_->notes()["has_scores"] = true;
    ASSAY_RETURN_IF_ERROR(folder_->write(kScores, scores_csv(e.images)));
    (*result)["n_test"] = e.images.size();
    (*result)["n_skipped"] = (*result)["n_skipped"].get<int64_t>() + num_new_problems(e.skipped);
    Json metrics = to_json(e.metrics);
    if (e.has_labels) {
      for (const auto& [defect, auroc] : auroc_by_defect(e.images)) metrics["image_auroc_by_defect"][defect] = auroc;
      folder_->notes()["has_metrics"] = true;
      ASSAY_RETURN_IF_ERROR(folder_->write(kMetrics, printable(metrics)));
    }
    metrics.update(*result);
    *result = std::move(metrics);
    return Status();
  }

  // Files that cannot even be read are among the problems already.
  int64_t num_new_problems(const std::vector<SkippedFile>& skipped) const {
    return std::count_if(skipped.begin(), skipped.end(), [&](const SkippedFile& s) {
      return std::none_of(problems_.begin(), problems_.end(), [&](const SkippedFile& p) { return p.id == s.id; });
    });
  }

  const RunOptions& options_;
  const std::string out_;
  const RunExtent extent_;
  Progress* const progress_;
  PhaseClock clock_;
  dataset::Opened opened_;
  std::vector<ImageContent> train_images_;
  std::vector<ImageFile> test_files_;
  std::vector<SkippedFile> problems_;
  std::string data_sha256_;
  std::string labels_sha256_;
  std::unique_ptr<RunFolder> folder_;
};

}  // namespace

Result<Json> run(const RunOptions& options, const std::string& out, RunExtent extent, Progress* progress) {
  return Run(options, out, extent, progress).run();
}

}  // namespace assay::pipeline
