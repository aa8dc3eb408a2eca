// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/resumable.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

namespace assay::pipeline {
namespace {

constexpr double kShareForCheckpoints = 0.05;  // of the time of a training
constexpr char kCheckpoint[] = ".checkpoint";
constexpr char kStatePrefix[] = "state.";
constexpr char kDetectorPrefix[] = "detector.";
constexpr char kTrackedSteps[] = "tracked.steps";
constexpr char kTrackedScores[] = "tracked.scores";
constexpr char kScores[] = "scores";
constexpr char kLosses[] = "losses";
constexpr char kRates[] = "learning_rates";
constexpr char kTag[] = "parts";

// The tensors whose names begin with the prefix, without it.
std::map<std::string, Tensor> with_prefix(const std::map<std::string, Tensor>& tensors, const std::string& prefix) {
  std::map<std::string, Tensor> found;
  for (const auto& [name, tensor] : tensors) {
    if (name.compare(0, prefix.size(), prefix) == 0) found[name.substr(prefix.size())] = tensor;
  }
  return found;
}

// ---- Members of a part

void put_tracked(const TrackedScores& tracked, Part* part) {
  const Tensor steps = Tensor::empty<int64_t>({static_cast<int64_t>(tracked.steps.size())}, kTag);
  std::copy(tracked.steps.begin(), tracked.steps.end(), steps.data<int64_t>());
  std::vector<double> all;
  for (const std::vector<double>& row : tracked.scores) all.insert(all.end(), row.begin(), row.end());
  part->tensors[kTrackedSteps] = steps;
  part->tensors[kTrackedScores] = bits_of(all);
}

TrackedScores tracked_of(const Part& part) {
  TrackedScores tracked;
  const Tensor& steps = part.tensors.at(kTrackedSteps);
  tracked.steps.assign(steps.data<int64_t>(), steps.data<int64_t>() + steps.size());
  const std::vector<double> all = doubles_of(part.tensors.at(kTrackedScores));
  const size_t width = tracked.steps.empty() ? 0 : all.size() / tracked.steps.size();
  for (size_t row = 0; row < tracked.steps.size(); ++row) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row * width);
    tracked.scores.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  return tracked;
}

void put_curve(const models::TrainingCurve& curve, Part* part) {
  const Tensor losses = Tensor::empty<float>({static_cast<int64_t>(curve.losses.size())}, kTag);
  std::copy(curve.losses.begin(), curve.losses.end(), losses.data<float>());
  part->tensors[kLosses] = losses;
  part->tensors[kRates] = bits_of(curve.learning_rates);
}

models::TrainingCurve curve_of(const Part& part) {
  const Tensor& losses = part.tensors.at(kLosses);
  return {{losses.data<float>(), losses.data<float>() + losses.size()}, doubles_of(part.tensors.at(kRates))};
}

// ---- The training

// Saves checkpoints, tracks scores and keeps the curve.
class Follower : public models::TrainingObserver {
 public:
  Follower(const FitTask& task, const TrainingKeep& keep, SharedProgress* progress)
      : task_(task), keep_(keep), progress_(progress), saved_at_(Clock::now()) {}

  models::TrainingState resume() override {
    const std::optional<Part> part = read_part(task_.name + kCheckpoint, keep_, progress_);
    if (!part) return {};
    tracked_ = tracked_of(*part);
    curve_ = curve_of(*part);
    progress_->skip(part->description.at("steps").get<int64_t>());
    models::TrainingState state;
    for (const auto& [name, tensor] : with_prefix(part->tensors, kStatePrefix)) state.push_back({name, tensor});
    return state;
  }

  bool after_step(const models::TrainingInCourse& training) override {
    const int64_t step = training.steps_done();
    // The last moment is that of the scores that are made of the trained detector anyhow.
    if (task_.track_every > 0 && step % task_.track_every == 0 && step < training.num_steps()) {
      std::vector<double> scores = task_.score(training.detector());
      if (progress_->is_stopped()) return false;  // no checkpoint: this moment's scores would be missing
      tracked_.steps.push_back(step);
      tracked_.scores.push_back(std::move(scores));
    }
    const bool goes_on = progress_->advance(1);
    if (step == training.num_steps()) curve_ = training.curve();
    if (!goes_on || is_due()) save(training);
    return goes_on;
  }

  TrackedScores take_tracked() { return std::move(tracked_); }
  // Of a training that is through, perhaps before it was stopped.
  const models::TrainingCurve& curve() const { return curve_; }

  static std::optional<Part> read_part(const std::string& name, const TrainingKeep& keep, SharedProgress* progress) {
    if (keep.parts == nullptr) return {};
    Result<std::optional<Part>> part = keep.parts->get(name);
    if (part.ok()) return std::move(part).value();
    progress->note(part.message() + "; it is made again");
    return {};
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool is_due() const {
    const std::chrono::duration<double> since = Clock::now() - saved_at_;
    if (keep_.checkpoint_every_s == 0) return true;
    return since.count() >= std::max(keep_.checkpoint_every_s, seconds_to_save_ / kShareForCheckpoints);
  }

  void save(const models::TrainingInCourse& training) {
    const Clock::time_point begun = Clock::now();
    const auto note = [this](const Status& status) {
      if (!status.ok()) progress_->note("no checkpoint: " + status.message());
    };
    const models::TrainingCurve curve = training.curve();
    if (keep_.log) note(keep_.log->record(task_.name, curve));
    if (keep_.parts) {
      Part part;
      part.description["steps"] = training.steps_done();
      for (auto& [name, tensor] : training.state()) part.tensors[kStatePrefix + name] = tensor;
      put_tracked(tracked_, &part);
      put_curve(curve, &part);
      note(keep_.parts->put(task_.name + kCheckpoint, part));
    }
    saved_at_ = Clock::now();
    seconds_to_save_ = std::chrono::duration<double>(saved_at_ - begun).count();
  }

  const FitTask& task_;
  const TrainingKeep& keep_;
  SharedProgress* progress_;
  TrackedScores tracked_;
  models::TrainingCurve curve_;
  Clock::time_point saved_at_;
  double seconds_to_save_ = 0;
};

// ---- What is left of it

void keep_outcome(const FitTask& task, const TrainingKeep& keep, const models::Detector& detector, const Fitted& fitted,
                  const models::TrainingCurve& curve, SharedProgress* progress) {
  const auto note = [&](const Status& status) {
    if (!status.ok()) progress->note("cannot be kept: " + status.message());
  };
  if (keep.log) note(keep.log->record(task.name, curve));
  if (keep.parts == nullptr) return;
  Part part;
  part.description["steps"] = curve.losses.size();
  part.tensors[kScores] = bits_of(fitted.scores);
  put_tracked(fitted.tracked, &part);
  put_curve(curve, &part);
  if (task.keeps_detector) {
    std::map<std::string, Tensor> tensors;
    part.description["detector"] = detector.save(&tensors);
    for (const auto& [name, tensor] : tensors) part.tensors[kDetectorPrefix + name] = tensor;
  }
  const Status kept = keep.parts->put(task.name, part);
  note(kept);
  if (kept.ok()) keep.parts->remove(task.name + kCheckpoint);
}

std::optional<Fitted> earlier_outcome(const FitTask& task, const TrainingKeep& keep,
                                      std::unique_ptr<models::Detector>* detector, SharedProgress* progress) {
  const std::optional<Part> part = Follower::read_part(task.name, keep, progress);
  if (!part) return {};
  Fitted fitted = {nullptr, doubles_of(part->tensors.at(kScores)), tracked_of(*part)};
  ASSAY_CHECK(static_cast<int64_t>(fitted.scores.size()) == task.num_scores, task.name, ": the part has ",
              fitted.scores.size(), " scores, expected ", task.num_scores);
  if (task.keeps_detector) {
    const Status loaded =
        (*detector)->load(part->description.at("detector"), with_prefix(part->tensors, kDetectorPrefix));
    ASSAY_CHECK(loaded.ok(), task.name, ": ", loaded.message());
    fitted.detector = std::move(*detector);
  }
  progress->skip(part->description.at("steps").get<int64_t>());
  const Status logged = keep.log ? keep.log->record(task.name, curve_of(*part)) : Status();
  if (!logged.ok()) progress->note(logged.message());
  return fitted;
}

}  // namespace

Fitted fit_resumably(const FitTask& task, const TrainingKeep& keep, SharedProgress* progress) {
  std::unique_ptr<models::Detector> detector = task.make();
  const bool trains = detector->trains();
  if (trains) {
    std::optional<Fitted> earlier = earlier_outcome(task, keep, &detector, progress);
    if (earlier) return std::move(*earlier);
  }
  if (progress->is_stopped()) throw models::Cancelled();
  Follower follower(task, keep, progress);
  models::FitOptions options = {task.schedule, task.seed, {}, nullptr};
  if (trains) {
    options.observer = &follower;  // which also asks whether to stop, and keeps a checkpoint then
  } else {
    options.progress = [progress](double) { return progress->advance(0); };
  }
  task.fit(*detector, options);
  Fitted fitted;
  if (task.score) fitted.scores = task.score(*detector);
  if (progress->is_stopped()) throw models::Cancelled();
  if (trains) {
    fitted.tracked = follower.take_tracked();
    if (task.track_every > 0) {
      fitted.tracked.steps.push_back(static_cast<int64_t>(follower.curve().losses.size()));
      fitted.tracked.scores.push_back(fitted.scores);
    }
    keep_outcome(task, keep, *detector, fitted, follower.curve(), progress);
  }
  if (task.keeps_detector) fitted.detector = std::move(detector);
  return fitted;
}

}  // namespace assay::pipeline
