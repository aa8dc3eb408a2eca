// SPDX-License-Identifier: Apache-2.0
// Runs with a detector that trains, of which hours may be lost, that are stopped, killed and go on.
#include <doctest/doctest.h>

#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/run/run.h"
#include "tests/integration/tiny_run.h"

namespace assay::pipeline {
namespace {

// 9 images for training, two of them with a spot, and 3 for test.
struct FewImages : TinySet {
  FewImages() {
    std::vector<TinyRow> few(rows.begin(), rows.begin() + 9);
    few.insert(few.end(), rows.begin() + 24, rows.begin() + 27);
    write_list(few);
  }
};

RunOptions trained_options(const TinySet& set) {
  RunOptions o = set.options();
  o.subsets = 2;
  o.aggregate = AggregateRule();
  o.rescue = Rescue::kNone;
  o.detector = o.stage1_detector = "dinomaly";
  o.detector_options.dinomaly.iterations = 4;
  o.detector_options.dinomaly.sub_model_share = 0.5;
  o.detector_options.dinomaly.blocks = 1;
  o.checkpoint_every_s = 0;
  return o;
}

// The phases of a training alone: ends at the n-th question there, by stopping or as a process that is killed.
class TrainingEndsAt : public Progress {
 public:
  struct Died : std::exception {};
  TrainingEndsAt(int n, bool dies) : left_(n), dies_(dies) {}
  void begin(const std::string& phase, int64_t total) override {
    is_training_ = phase.find("training") == 0 || phase == "final detector" || phase == "ensemble";
    steps_to_do += is_training_ ? total : 0;
  }
  void skip(int64_t steps) override { steps_to_do -= steps; }
  bool stop_requested() override {
    if (!is_training_ || --left_ > 0) return false;
    if (dies_) throw Died();
    return true;
  }
  int64_t steps_to_do = 0;

 private:
  int left_;
  const bool dies_;
  bool is_training_ = false;
};

constexpr int kNever = 1 << 30;

// Images whose features an unfinished run has kept.
int num_kept_features(const std::string& out) {
  int count = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(out + "/unfinished/features")) {
    count += entry.path().extension() == ".part";
  }
  return count;
}

TEST_CASE("a training that is stopped or killed at any point continues to the same bytes") {
  FewImages set;
  const RunOptions options = trained_options(set);
  const std::string whole = set.new_out();
  TrainingEndsAt never(kNever, false);
  REQUIRE(run(options, whole, RunExtent::kWhole, &never).ok());
  CHECK(never.steps_to_do == 2 * 2 + 4 + 2 * 4);  // sub-models, the final detector, two folds
  CHECK_FALSE(fs::exists(whole + "/unfinished"));
  int64_t runs_that_skipped = 0;
  for (const bool dies : {false, true}) {
    bool finished = false;
    for (int n = dies ? 4 : 2; !finished; n += 9) {
      CAPTURE(n);
      CAPTURE(dies);
      const std::string out = set.new_out();
      TrainingEndsAt first(n, dies);
      try {
        const auto stopped = run(options, out, RunExtent::kWhole, &first);
        finished = stopped.ok();
        if (!finished) CHECK(stopped.message() == kInterrupted);
      } catch (const TrainingEndsAt::Died&) {
        CHECK(dies);
      }
      if (!finished) CHECK(num_kept_features(out) == 9);
      TrainingEndsAt second(kNever, false);
      REQUIRE(run(options, out, RunExtent::kWhole, &second).ok());
      runs_that_skipped += second.steps_to_do < 16;
      check_same_artefacts(out, whole);
      CHECK(bytes_of(out + "/training.csv") == bytes_of(whole + "/training.csv"));
      CHECK_FALSE(fs::exists(out + "/unfinished"));
    }
  }
  CHECK(runs_that_skipped > 3);
}

TEST_CASE("an ensemble whose training or scoring is stopped or killed continues to the same bytes") {
  FewImages set;
  RunOptions options = trained_options(set);
  options.ensemble = true;
  options.track_scores = 1;
  const std::string whole = set.new_out();
  run_to(options, whole);
  for (const int n : {3, 10, 27, 40, 50}) {
    CAPTURE(n);
    const std::string out = set.new_out();
    TrainingEndsAt first(n, n % 2 == 0);
    try {
      const auto stopped = run(options, out, RunExtent::kWhole, &first);
      CHECK(stopped.message() == kInterrupted);
    } catch (const TrainingEndsAt::Died&) {
    }
    run_to(options, out);
    check_same_artefacts(out, whole);
    for (const char* name : {"/training.csv", "/stage1_scores.csv"})
      CHECK(bytes_of(out + name) == bytes_of(whole + name));
    CHECK_FALSE(fs::exists(out + "/unfinished"));
  }
}

TEST_CASE("parts of a training that are damaged are made again, and those of a finished run go") {
  FewImages set;
  const RunOptions options = trained_options(set);
  const std::string whole = set.new_out(), out = set.new_out();
  run_to(options, whole);
  TrainingEndsAt first(30, true);
  CHECK_THROWS_AS(run(options, out, RunExtent::kWhole, &first), TrainingEndsAt::Died);
  int damaged = 0;
  for (const auto& entry : fs::recursive_directory_iterator(out + "/unfinished")) {
    if (!entry.is_regular_file()) continue;
    std::string bytes = bytes_of(entry.path());
    bytes[bytes.size() / 2] ^= 1;
    put(entry.path(), bytes);
    ++damaged;
  }
  CHECK(damaged >= 2 + 9);  // and the features of 9 images
  put(out + "/unfinished/.assay-tmp-1", "half a part");
  run_to(options, out);
  check_same_artefacts(out, whole);
  // As if killed before they were removed.
  fs::create_directories(out + "/unfinished");
  put(out + "/unfinished/final.part", "left");
  fs::remove(out + "/scores.csv");
  run_to(options, out);
  CHECK_FALSE(fs::exists(out + "/unfinished"));
}

TEST_CASE("the losses of every training are in training.csv") {
  FewImages set;
  RunOptions options = trained_options(set);
  options.rounds = 2;
  options.keep = KeepRule::from_name("0.5").value();
  const std::string out = set.new_out();
  run_to(options, out);
  std::map<std::string, int> steps;
  for (const auto& row : read_csv(out + "/training.csv")) {
    CHECK(row.at("iteration") == std::to_string(++steps[row.at("model")]));
    CHECK(std::stod(row.at("loss")) > 0);
    CHECK(std::stod(row.at("learning_rate")) >= 0);
  }
  CHECK(steps == std::map<std::string, int>{{"round_1_sub_model_1", 2},
                                            {"round_1_sub_model_2", 2},
                                            {"round_2_sub_model_1", 2},
                                            {"round_2_sub_model_2", 2},
                                            {"final", 4},
                                            {"fold_1", 4},
                                            {"fold_2", 4}});
}

}  // namespace
}  // namespace assay::pipeline
