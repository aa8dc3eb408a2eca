// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/resumable.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include "tests/support/temporary_folder.h"

namespace assay::pipeline {
namespace {

using models::TrainingState;

// x becomes 3 x + 1 modulo a prime in each of its steps, unless it does not train.
class Counting : public models::Detector {
 public:
  explicit Counting(int64_t num_steps, int64_t* steps_taken) : num_steps_(num_steps), steps_taken_(steps_taken) {}
  int64_t training_steps(models::Schedule) const override { return num_steps_; }
  void fit(const models::FeatureSource&, const std::vector<int64_t>&, const models::FitOptions&) override {}
  Tensor score(const models::FeatureGrid&) const override { return {}; }
  nlohmann::json save(std::map<std::string, Tensor>* tensors) const override {
    (*tensors)["x"] = bits_of({x});
    return {{"steps", num_steps_}};
  }
  Status load(const nlohmann::json& description, const std::map<std::string, Tensor>& tensors) override {
    CHECK(description.at("steps") == num_steps_);
    x = doubles_of(tensors.at("x")).at(0);
    return Status();
  }
  void train(models::TrainingObserver* observer);

  double x = 1;

 private:
  const int64_t num_steps_;
  int64_t* const steps_taken_;
};

struct Course : models::TrainingInCourse {
  Course(const Counting& d, int64_t total) : trained(d), num(total) {}
  int64_t steps_done() const override { return done; }
  int64_t num_steps() const override { return num; }
  const models::Detector& detector() const override { return trained; }
  TrainingState state() const override { return {{"x", bits_of({trained.x, static_cast<double>(done)})}}; }
  models::TrainingCurve curve() const override {
    models::TrainingCurve curve;
    for (int64_t i = 0; i < done; ++i) {
      curve.losses.push_back(1.0f / static_cast<float>(i + 1));
      curve.learning_rates.push_back(0.5);
    }
    return curve;
  }
  const Counting& trained;
  const int64_t num;
  int64_t done = 0;
};

void Counting::train(models::TrainingObserver* observer) {
  Course course(*this, num_steps_);
  const TrainingState state = observer ? observer->resume() : TrainingState();
  if (!state.empty()) {
    x = doubles_of(state.at(0).second).at(0);
    course.done = static_cast<int64_t>(doubles_of(state.at(0).second).at(1));
  }
  while (course.done < num_steps_) {
    x = std::fmod(3 * x + 1, 1009);
    ++course.done;
    ++*steps_taken_;
    if (observer && !observer->after_step(course)) throw models::Cancelled();
  }
}

struct Died : std::exception {};

// Stops or, as a process that is killed, dies at the n-th question whether to go on.
class EndsAt : public Progress {
 public:
  EndsAt(int n, bool dies) : left_(n), dies_(dies) {}
  bool stop_requested() override {
    if (--left_ > 0) return false;
    if (dies_) throw Died();
    return true;
  }
  void skip(int64_t steps) override { skipped += steps; }
  void note(const std::string& line) override { notes.push_back(line); }
  int64_t skipped = 0;
  std::vector<std::string> notes;

 private:
  int left_;
  const bool dies_;
};

constexpr int kForever = std::numeric_limits<int>::max();

// One task of 10 steps with 2 scores an image, tracked every 4 steps.
struct Setting {
  testing::TemporaryFolder folder;
  PartStore parts{folder / "parts", "1"};
  TrainingLog log{folder / "training.csv"};
  TrainingKeep keep{&parts, &log, 0};
  int64_t steps_taken = 0, num_steps = 10;

  FitTask task(SharedProgress* progress) {
    FitTask t;
    t.name = "model";
    t.make = [this] { return std::make_unique<Counting>(num_steps, &steps_taken); };
    t.schedule = models::Schedule::kSubModel;
    t.seed = 8;
    t.fit = [this](models::Detector& d, const models::FitOptions& options) {
      CHECK(options.schedule == models::Schedule::kSubModel);
      CHECK(options.seed == 8);
      // Who is followed is asked by the observer alone, which keeps a checkpoint before it ends.
      CHECK((options.observer != nullptr) == (num_steps > 0));
      CHECK((options.progress == nullptr) == (num_steps > 0));
      dynamic_cast<Counting&>(d).train(options.observer);
    };
    t.score = [progress](const models::Detector& d) {
      const double x = dynamic_cast<const Counting&>(d).x;
      progress->advance(0);
      return std::vector<double>{x, -x};
    };
    t.num_scores = 2;
    t.track_every = 4;
    return t;
  }
  Fitted run(Progress* progress) {
    SharedProgress shared(progress, "test", 0);
    return fit_resumably(task(&shared), keep, &shared);
  }
  std::string csv() const {
    std::ifstream in(folder / "training.csv");
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

void check_same(const Fitted& a, const Fitted& b) {
  CHECK(a.scores == b.scores);
  CHECK(a.tracked.steps == b.tracked.steps);
  CHECK(a.tracked.scores == b.tracked.scores);
  CHECK(dynamic_cast<Counting&>(*a.detector).x == dynamic_cast<Counting&>(*b.detector).x);
}

TEST_CASE("scores are tracked at every so many steps and at the end") {
  Setting setting;
  Progress progress;
  const Fitted fitted = setting.run(&progress);
  CHECK(fitted.tracked.steps == std::vector<int64_t>{4, 8, 10});
  double x = 1;
  std::vector<std::vector<double>> expected;
  for (int step = 1; step <= 10; ++step) {
    x = std::fmod(3 * x + 1, 1009);
    if (step % 4 == 0 || step == 10) expected.push_back({x, -x});
  }
  CHECK(fitted.tracked.scores == expected);
  CHECK(fitted.scores == expected.back());
  CHECK(setting.csv().find("model,iteration,loss,learning_rate\nmodel,1,1,0.5\nmodel,2,0.5,0.5\n") == 0);
}

TEST_CASE("what is stopped or dies at any point goes on to the same outcome, and loses little") {
  Setting whole;
  Progress quiet;
  const Fitted expected = whole.run(&quiet);
  for (const bool dies : {false, true}) {
    bool finished = false;
    for (int n = 1; !finished; ++n) {
      CAPTURE(dies);
      CAPTURE(n);
      Setting setting;
      EndsAt first(n, dies);
      try {
        check_same(setting.run(&first), expected);
        finished = true;
      } catch (const models::Cancelled&) {
        CHECK_FALSE(dies);
      } catch (const Died&) {
        CHECK(dies);
      }
      const int64_t taken = setting.steps_taken;
      EndsAt second(kForever, false);
      check_same(setting.run(&second), expected);
      CHECK(setting.csv() == whole.csv());
      CHECK(second.notes.empty());
      // Of the first run at most the step that was not saved is taken again.
      CHECK(setting.steps_taken <= 11);
      CHECK(second.skipped >= taken - 1);
      if (finished) CHECK(second.skipped == 10);
    }
  }
}

TEST_CASE("an outcome that is kept is not made again, and takes the place of the checkpoints") {
  Setting setting;
  Progress progress;
  const Fitted first = setting.run(&progress);
  CHECK(setting.folder.num_entries() == 2);  // parts and training.csv
  CHECK(setting.parts.get("model").value().has_value());
  CHECK_FALSE(setting.parts.get("model.checkpoint").value().has_value());
  check_same(setting.run(&progress), first);
  CHECK(setting.steps_taken == 10);
}

TEST_CASE("parts that are damaged or cannot be written are noted, and cost time only") {
  Setting setting;
  Progress quiet;
  const Fitted expected = setting.run(&quiet);
  std::ofstream(setting.folder / "parts/model.part") << "damaged";
  EndsAt noting(kForever, false);
  check_same(setting.run(&noting), expected);
  CHECK(setting.steps_taken == 20);
  REQUIRE(noting.notes.size() == 1);
  CHECK(noting.notes[0].find("model.part") != std::string::npos);
  const PartStore nowhere("/dev/null/parts", "1");
  setting.keep.parts = &nowhere;
  EndsAt again(kForever, false);
  check_same(setting.run(&again), expected);
  CHECK(again.notes.size() == 11);  // ten checkpoints and the outcome
}

TEST_CASE("nothing is kept of a detector that does not train, nor is it followed") {
  Setting setting;
  setting.num_steps = 0;
  Progress progress;
  const Fitted fitted = setting.run(&progress);
  CHECK(fitted.scores == std::vector<double>{1, -1});
  CHECK(fitted.tracked.steps.empty());
  CHECK(setting.folder.num_entries() == 0);
}

}  // namespace
}  // namespace assay::pipeline
