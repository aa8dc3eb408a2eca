// SPDX-License-Identifier: Apache-2.0
#include "models/detectors/training.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "engine/device/stream.h"
#include "models/detectors/training_batches.h"

namespace assay::models {
namespace {

constexpr char kParameterPrefix[] = "parameter.";
constexpr char kOptimizerPrefix[] = "optimizer.";
constexpr char kLosses[] = "losses";

class Training : public TrainingInCourse {
 public:
  Training(const TrainingPlan& plan, const FeatureSource& features, const std::vector<int64_t>& images,
           const FitOptions& options)
      : plan_(plan),
        features_(features),
        options_(options),
        device_(plan.detector->device()),
        batches_(features, images, plan.batch, options.seed),
        losses_(Tensor::zeros<float>({plan.num_steps}, plan.name, device_)) {
    plan.parameters->initialise(options.seed, device_);
    optimizer_ = std::make_unique<optim::Optimizer>(plan.parameters->trained(), plan.optimizer);
  }

  void run() {
    if (options_.observer) resume_from(options_.observer->resume());
    while (steps_done() < num_steps()) {
      take_step();
      const double done = static_cast<double>(steps_done()) / static_cast<double>(num_steps());
      if (options_.progress && !options_.progress(done)) throw Cancelled();
      if (options_.observer && !options_.observer->after_step(*this)) throw Cancelled();
    }
  }

  int64_t steps_done() const override { return steps_done_; }
  int64_t num_steps() const override { return plan_.num_steps; }
  const Detector& detector() const override { return *plan_.detector; }

  TrainingState state() const override {
    TrainingState state;
    for (const auto& [name, value] : plan_.parameters->values()) {
      state.push_back({kParameterPrefix + name, value.to(Device::cpu(), plan_.name).clone(plan_.name)});
    }
    for (auto& [name, value] : optimizer_->save_state()) state.push_back({kOptimizerPrefix + name, std::move(value)});
    state.push_back({kLosses, losses_.rows(0, steps_done_).to(Device::cpu(), plan_.name).clone(plan_.name)});
    return state;
  }

  TrainingCurve curve() const override {
    TrainingCurve curve;
    const Tensor losses = losses_.rows(0, steps_done_).to(Device::cpu(), plan_.name);
    for (int64_t step = 0; step < steps_done_; ++step) {
      curve.losses.push_back(losses.data<float>()[step]);
      curve.learning_rates.push_back(plan_.learning_rate(step));
    }
    return curve;
  }

 private:
  void take_step() {
    const int64_t step = steps_done();
    const FeatureGrid grid = features_.read_batch(batches_.next(), device_);
    autograd::Tape tape;
    const autograd::Var loss = plan_.loss(tape, grid, step);
    copy(loss.value(), losses_.rows(step, step + 1), current_stream(device_));
    tape.backward(loss);
    optimizer_->step(plan_.learning_rate(step));
    ++steps_done_;
  }

  void resume_from(const TrainingState& state) {
    if (state.empty()) return;
    NamedTensors parameters, moments;
    for (const auto& [name, tensor] : state) {
      if (name == kLosses) {
        ASSAY_CHECK(tensor.dtype() == DType::kFloat32 && tensor.size() <= num_steps(), plan_.name, ": a state of ",
                    tensor.size(), " steps for a training of ", num_steps());
        steps_done_ = tensor.size();
        copy(tensor, losses_.rows(0, steps_done_), current_stream(device_));
      } else if (name.rfind(kParameterPrefix, 0) == 0) {
        parameters.push_back({name.substr(sizeof kParameterPrefix - 1), tensor.clone(plan_.name)});
      } else if (name.rfind(kOptimizerPrefix, 0) == 0) {
        moments.push_back({name.substr(sizeof kOptimizerPrefix - 1), tensor});
      }
    }
    Status loaded = plan_.parameters->load(parameters, device_);
    if (loaded.ok()) loaded = optimizer_->load_state(moments);
    ASSAY_CHECK(loaded.ok(), plan_.name, ": a state of another training: ", loaded.message());
    ASSAY_CHECK(optimizer_->num_steps() == steps_done(), plan_.name, ": a state of ", optimizer_->num_steps(),
                " steps with ", steps_done(), " losses");
    for (int64_t step = 0; step < steps_done(); ++step) batches_.next();
  }

  const TrainingPlan& plan_;
  const FeatureSource& features_;
  const FitOptions& options_;
  const Device device_;
  TrainingBatches batches_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  // On the device, as reading each would wait for it; one array, as a number kept after each step would keep the heap
  // from giving back what lies around it.
  Tensor losses_;
  int64_t steps_done_ = 0;
};

}  // namespace

int64_t steps_of(Schedule schedule, int64_t iterations, double sub_model_share) {
  if (schedule == Schedule::kFinal) return iterations;
  return std::max<int64_t>(1, std::llround(sub_model_share * static_cast<double>(iterations)));
}

std::vector<float> train(const TrainingPlan& plan, const FeatureSource& features, const std::vector<int64_t>& images,
                         const FitOptions& options) {
  Training training(plan, features, images, options);
  training.run();
  std::vector<float> losses = training.curve().losses;
  ASSAY_CHECK(std::all_of(losses.begin(), losses.end(), [](float v) { return std::isfinite(v); }), plan.name,
              ": the training has diverged: a loss is not finite");
  return losses;
}

}  // namespace assay::models
