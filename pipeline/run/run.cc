// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run.h"

#include <sys/resource.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "engine/memory/usage.h"
#include "pipeline/evaluation/evaluate.h"
#include "pipeline/features/image_features.h"
#include "pipeline/run/audit.h"
#include "pipeline/run/memory_needs.h"
#include "pipeline/run/phase_clock.h"
#include "pipeline/run/run_folder.h"
#include "pipeline/run/scan.h"
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

int64_t peak_rss_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

// Names in it need not be UTF-8.
std::string printable(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

// What each device is, the most that was held there, and the most by purpose.
Json device_report(const Placement& placement) {
  Json report = Json::array();
  for (const Device& device : placement.devices) {
    Json by_tag = Json::object();
    for (const auto& [tag, usage] : memory_usage(device)) by_tag[tag] = usage.peak_bytes;
    report.push_back({{"device", describe(device)},
                      {"peak_bytes", total_memory_usage(device).peak_bytes},
                      {"peak_bytes_by_purpose", by_tag}});
  }
  return report;
}

class Run {
 public:
  Run(const RunOptions& options, const std::string& out, RunExtent extent, Progress* progress)
      : options_(options), out_(out), extent_(extent), progress_(progress) {}

  Result<Json> run() {
    try {
      return run_phases();
    } catch (const OutOfMemory& shortage) {
      throw Error(shortage.what() + (shortage.device().is_cpu() ? advice_on_memory_limit(shortage) : advice_on_gpu()));
    }
  }

 private:
  Result<Json> run_phases() {
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
      Result<std::unique_ptr<Model>> loaded = Model::load(folder_->file(kModel), options_.placement.first());
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
    if (!options_.placement.on_cpu()) folder_->notes()["devices"] = device_report(options_.placement);
    folder_->notes()["result"] = result;
    ASSAY_RETURN_IF_ERROR(folder_->write_record());
    return result;
  }

  // ---- The host's memory

  // From one image what all will need.
  void estimate_needs(const models::PatchFeatures& extractor) {
    const int64_t stride =
        extractor.backbone().levels()[extractor.backbone().level_index(extractor.options().levels.front())].stride;
    for (const ImageContent& image : data_.train_images) {
      const Result<Tensor> input = load_input(image.path, options_.features.input_size);
      if (!input.ok()) continue;
      const auto cells = [&](int axis) { return (input.value().dim(axis) + stride - 1) / stride; };
      needs_ = memory_needs(options_, static_cast<int64_t>(data_.train_images.size()),
                            static_cast<double>(cells(0) * cells(1)), extractor.width());
      return;
    }
  }

  // Where no batch was too large, it is the detector. (The others come with advice on the batch.)
  std::string advice_on_gpu() const {
    const std::unique_ptr<models::Detector> detector = factory(options_.detector)(Device::cpu());
    if (detector->memory_bank() != nullptr) return "; a smaller --reference-share takes less";
    const bool can_recompute = detector->trains() && !options_.detector_options.dinomaly.recompute;
    return can_recompute ? "; --recompute takes less" : "";
  }

  // The limit under which what is kept of features and distances would have left room for what was asked for, and for
  // the references that are yet to come.
  std::string advice_on_memory_limit(const OutOfMemory& shortage) const {
    if (!needs_) return "";
    int64_t kept = 0, others = 0;
    for (const auto& [tag, bytes] : shortage.held_bytes()) {
      (tag == ImageFeatures::kMemoryTag || tag == DistanceTable::kMemoryTag ? kept : others) += bytes;
    }
    const int64_t banks = options_.placement.on_cpu() ? kBanksAtOnce * needs_->bank_bytes : 0;
    const int64_t to_come = std::max<int64_t>(0, banks - others);
    const int64_t room = kept + shortage.free_bytes() - shortage.bytes() - to_come;
    const int64_t fits = largest_memory_limit(*needs_, room - room / 20);  // allocators waste a little
    if (fits == 0) return "; no --memory-limit makes room for that: see --image-size";
    const bool keeps_less = cached_bytes(*needs_, fits) < cached_bytes(*needs_, options_.memory_limit);
    if (!keeps_less) return "";  // features and distances are not what lies there
    return text("; --memory-limit=", fits >> 20, "M fits");
  }

  // ---- The data

  Status open_data() {
    Result<ScannedData> scanned = scan(options_, extent_ == RunExtent::kWhole, progress_);
    if (!scanned.ok()) return scanned.status();
    data_ = std::move(scanned).value();
    problems_ = data_.problems;
    return Status();
  }

  Status open_folder() {
    Json wanted = configuration(options_);
    wanted["extent"] = extent_ == RunExtent::kWhole ? "run" : "purify";
    wanted["data_sha256"] = data_.data_sha256;
    wanted["labels_sha256"] = data_.labels_sha256;  // for the metrics
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
    return
        [this, name](Device device) { return models::make_detector(name, options_.detector_options, device).value(); };
  }

  Result<std::unique_ptr<Model>> train() {
    clock_.begin("features");
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
    const Audit audit = audit_selection(features, stage1, data_.opened.truth);
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

  Result<std::unique_ptr<ImageFeatures>> compute_features() {
    Extractors extractors;
    for (const Device& device : options_.placement.devices) {
      Result<std::unique_ptr<models::PatchFeatures>> extractor = make_patch_features(options_.features, device);
      if (!extractor.ok()) return extractor.status();
      extractors.push_back(std::move(extractor).value());
    }
    estimate_needs(*extractors.front());
    const FeatureOptions options = {options_.features.input_size, feature_budget(options_.memory_limit), out_,
                                    options_.placement.batch};
    return ImageFeatures::compute(data_.train_images, extractors, options, progress_);
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
    o.memory_budget = table_budget(options_.memory_limit);
    o.max_table_bytes = options_.memory_limit;
    o.spill_folder = out_;
    o.placement = options_.placement;
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
      std::unique_ptr<models::Detector> detector = factory(options_.detector)(options_.placement.first());
      progress_->begin("final detector", 0);
      fit_detector(*detector, features, images, stage1.excluded, {models::Schedule::kFinal, options_.seed, keep_going});
      progress_->end();
      const int folds = detector->trains() ? kTrainedCalibrationFolds : kCalibrationFolds;
      const std::vector<double> held_out =
          cross_fit_scores(features, images, stage1.excluded, folds, factory(options_.detector), options_.scoring,
                           options_.seed, progress_, options_.placement);
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
    if (data_.test_files.empty()) return Status();
    clock_.begin("scoring");
    const Result<Evaluation> evaluated = evaluate(model, data_.test_files, data_.opened, progress_, options_.placement);
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
  ScannedData data_;
  std::optional<MemoryNeeds> needs_;  // of training, once they are known
  std::vector<SkippedFile> problems_;
  std::unique_ptr<RunFolder> folder_;
};

}  // namespace

Result<Json> run(const RunOptions& options, const std::string& out, RunExtent extent, Progress* progress) {
  return Run(options, out, extent, progress).run();
}

}  // namespace assay::pipeline
