// SPDX-License-Identifier: Apache-2.0
// Whole runs on tiny images: what comes out, and that it depends on the images alone.
#include "pipeline/run/run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "pipeline/features/image_features.h"
#include "pipeline/model/model.h"
#include "tests/integration/tiny_run.h"

namespace assay::pipeline {
namespace {

TEST_CASE("a run leaves every artefact with its columns and members") {
  const Reference& r = reference();
  for (const std::string& name : kArtefacts) CHECK(fs::exists(r.out + "/" + name));
  CHECK(first_line(r.out + "/stage1.csv").find("path,subset,s_1,s_2,s_3,aggregate,kept,rank") == 0);
  CHECK(first_line(r.out + "/scores.csv") == "path,score,anomalous,label");
  const auto stage1 = read_csv(r.out + "/stage1.csv");
  CHECK(stage1.size() == 24);
  for (size_t i = 0; i < stage1.size(); ++i) {
    CHECK(stage1[i].at("rank") == std::to_string(i + 1));
    if (i > 0) CHECK(std::stod(stage1[i].at("aggregate")) <= std::stod(stage1[i - 1].at("aggregate")));
    CHECK((stage1[i].at("kept") == "0" || stage1[i].at("kept") == "1"));
    const int subset = std::stoi(stage1[i].at("subset"));
    CHECK((subset >= 1 && subset <= 3));
  }
  CHECK(read_csv(r.out + "/scores.csv").size() == 12);
  for (const char* name : {"image_auroc", "image_ap", "pixel_auroc", "pixel_aupro", "n_train", "n_kept", "n_skipped",
                           "n_test", "alpha", "alpha_kept", "alpha_estimated", "alpha_estimated_low",
                           "alpha_estimated_high", "threshold", "stage1_auroc", "seconds", "peak_rss_bytes"}) {
    CAPTURE(std::string(name));
    REQUIRE(r.result.contains(name));
    CHECK(r.result[name].is_number());
  }
  CHECK(r.result["n_train"] == 24);
  CHECK(r.result["n_skipped"] == 0);
  CHECK(r.result["n_test"] == 12);
  CHECK(r.result["alpha"].get<double>() == doctest::Approx(4.0 / 24));
  CHECK(r.result["phases"].is_object());
  CHECK(r.result["image_auroc_by_defect"].contains("spot"));
  const Json record = Json::parse(bytes_of(r.out + "/run.json"));
  CHECK(record["notes"]["result"] == r.result);
  CHECK(record["configuration"]["seed"] == 0);
  CHECK(Model::load(r.out + "/model.assay").ok());
}

TEST_CASE("planted spots are found, in training and in the test images") {
  const Reference& r = reference();
  CHECK(r.result["stage1_auroc"].get<double>() > 0.9);
  CHECK(r.result["image_auroc"].get<double>() > 0.9);
  CHECK(r.result["pixel_auroc"].get<double>() > 0.8);
}

TEST_CASE("labels have no part in the model and the selection") {
  TinySet set;
  for (TinyRow& row : set.rows) row.label = row.split == "train" ? 1 - row.label : row.label;
  set.write_list(set.rows);
  const std::string out = set.new_out();
  const Json result = run_to(set.options(), out);
  check_same_artefacts(out, reference().out);
  CHECK(result["alpha"].get<double>() == doctest::Approx(20.0 / 24));
}

TEST_CASE("without labels there is everything but what needs them") {
  TinySet set;
  for (TinyRow& row : set.rows) {
    row.label = -1;
    row.mask.clear();
  }
  set.write_list(set.rows);
  const std::string out = set.new_out();
  const Json result = run_to(set.options(), out);
  CHECK(bytes_of(out + "/model.assay") == bytes_of(reference().out + "/model.assay"));
  CHECK(bytes_of(out + "/stage1.csv") == bytes_of(reference().out + "/stage1.csv"));
  CHECK(fs::exists(out + "/scores.csv"));
  CHECK_FALSE(fs::exists(out + "/metrics.json"));
  CHECK(result["alpha"].is_null());
  CHECK(result["alpha_kept"].is_null());
}

TEST_CASE("names and places of the files have no part in the model and the selection") {
  const Reference& r = reference();
  TinySet moved;
  std::map<std::string, std::string> original;
  std::vector<TinyRow> rows;
  for (size_t i = 0; i < moved.rows.size(); ++i) {
    TinyRow row = moved.rows[i];
    row.path = "elsewhere/" + std::to_string(99 - i) + (i % 2 ? "_good.png" : "_bad");
    fs::create_directories(moved.folder / "elsewhere");
    fs::rename(moved.folder / moved.rows[i].path, moved.folder / row.path);
    original[row.path] = moved.rows[i].path;
    rows.push_back(row);
  }
  moved.write_list(rows);
  const std::string out = moved.new_out();
  run_to(moved.options(), out);
  CHECK(bytes_of(out + "/model.assay") == bytes_of(r.out + "/model.assay"));
  const auto selection = [](const std::string& file, const auto& name_of) {
    std::map<std::string, std::string> lines;
    for (const auto& row : read_csv(file)) {
      lines[name_of(row.at("path"))] = row.at("aggregate") + " " + row.at("kept") + " " + row.at("rank");
    }
    return lines;
  };
  CHECK(selection(out + "/stage1.csv", [&](const std::string& p) { return original.at(p); }) ==
        selection(r.out + "/stage1.csv", [](const std::string& p) { return p; }));
}

TEST_CASE("the order of the list has no part in any result") {
  TinySet set;
  std::vector<TinyRow> rows(set.rows.rbegin(), set.rows.rend());
  std::rotate(rows.begin(), rows.begin() + 11, rows.end());
  set.write_list(rows);
  const std::string out = set.new_out();
  run_to(set.options(), out);
  check_same_artefacts(out, reference().out);
}

TEST_CASE("the number of threads has no part in any result") {
  TinySet set;
  for (const int threads : {1, 2, 3}) {
    CAPTURE(threads);
    set_num_threads(threads);
    const std::string out = set.new_out();
    run_to(set.options(), out);
    check_same_artefacts(out, reference().out);
  }
}

TEST_CASE("features and distances that lie in a file give the same bits") {
  TinySet set;
  RunOptions options = set.options();
  options.memory_limit = 40'000;  // half of it holds less than the features, a quarter less than the distances
  const std::string out = set.new_out();
  run_to(options, out);
  check_same_artefacts(out, reference().out);
}

TEST_CASE("a feature cache, empty, full or damaged, has no part in any result") {
  TinySet set;
  RunOptions options = set.options();
  options.feature_cache = set.folder / "features";
  const auto entries = [&] {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(options.feature_cache)) {
      if (entry.path().extension() == ".part") found.push_back(entry.path());
    }
    return found;
  };
  std::map<fs::path, fs::file_time_type> written;
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    const std::string out = set.new_out();
    run_to(options, out);
    check_same_artefacts(out, reference().out);
    REQUIRE(entries().size() == 36);
    int rewritten = 0;
    for (const fs::path& entry : entries()) {
      rewritten += round > 0 && fs::last_write_time(entry) != written[entry];
      written[entry] = fs::last_write_time(entry);
    }
    CHECK(rewritten == (round == 2 ? 1 : 0));
    if (round == 1) {
      put(entries()[0], "damaged");
      written[entries()[0]] = fs::file_time_type();
    }
  }
}

TEST_CASE("anomalies taken out by their labels leave a training set without them, and the result says so") {
  TinySet set;
  RunOptions options = set.options();
  options.clean_by_labels = true;
  const std::string out = set.new_out();
  const Json result = run_to(options, out);
  CHECK(result["n_train"] == 20);
  CHECK(result["alpha"] == 0.0);
  CHECK(result["clean_by_labels"] == true);
  CHECK(result["n_test"] == 12);
  CHECK(Json::parse(bytes_of(out + "/run.json"))["configuration"]["clean_by_labels"] == true);
  CHECK(Model::load(out + "/model.assay").value()->provenance()["clean_by_labels"] == true);
  CHECK_FALSE(reference().result.contains("clean_by_labels"));
}

TEST_CASE("anomalous test images are injected as asked, and other injections are other runs") {
  TinySet set;
  for (TinyRow& row : set.rows) {  // train: the 20 normal ones; test: 8 normal and 8 anomalous ones
    if (row.label == 1) row.split = "test";
  }
  set.write_list(set.rows);
  RunOptions options = set.options();
  options.injection.emplace().alpha = 0.2;
  const std::string out = set.new_out();
  const Json result = run_to(options, out);
  CHECK(result["n_train"] == 20);
  CHECK(result["alpha"] == 0.2);
  CHECK(result["n_test"] == 8 + 4);
  CHECK(result["image_auroc"].get<double>() > 0.9);
  options.injection->overlap = dataset::Injection::Overlap::kKept;
  CHECK(failure_of(options, out).find("injection.overlap") != std::string::npos);
  const Json kept = run_to(options, set.new_out());
  CHECK(kept["n_train"] == 20);
  CHECK(kept["n_test"] == 16);
  options.clean_by_labels = true;
  CHECK(run_to(options, set.new_out())["n_train"] == 16);
}

TEST_CASE("a copy of an anomalous image under other names does not make it look normal") {
  TinySet set;
  std::vector<TinyRow> rows = set.rows;
  for (int i = 0; i < 12; ++i) {
    TinyRow copy = set.rows[1];
    copy.path = "copy/" + std::to_string(i) + ".png";
    fs::create_directories(set.folder / "copy");
    fs::copy_file(set.folder / set.rows[1].path, set.folder / copy.path);
    rows.push_back(copy);
  }
  set.write_list(rows);
  const std::string out = set.new_out();
  const Json result = run_to(set.options(), out);
  CHECK(result["n_train"] == 36);
  CHECK(bytes_of(out + "/model.assay") == bytes_of(reference().out + "/model.assay"));
  std::set<std::string> kept;
  for (const auto& row : read_csv(out + "/stage1.csv")) {
    if (row.at("path") == set.rows[1].path || row.at("path").compare(0, 5, "copy/") == 0) kept.insert(row.at("kept"));
  }
  CHECK(kept.size() == 1);
}

TEST_CASE("every detector, aggregate and number of subsets goes through both stages") {
  TinySet set;
  std::vector<RunOptions> variants;
  for (const int subsets : {2, 8}) {
    variants.push_back(set.options());
    variants.back().subsets = subsets;
  }
  for (const Aggregate aggregate : {Aggregate::kMean, Aggregate::kMax, Aggregate::kMaxVar, Aggregate::kMedian,
                                    Aggregate::kTrimmed, Aggregate::kExpected, Aggregate::kSupport}) {
    for (const Over over : {Over::kAll, Over::kHeldOut}) {
      variants.push_back(set.options());
      variants.back().aggregate = {aggregate, over, Normalise::kRobust};
    }
  }
  variants.push_back(set.options());
  variants.back().rounds = 2;
  variants.push_back(set.options());
  variants.back().rescue = Rescue::kNone;
  variants.push_back(set.options());
  variants.back().keep = KeepRule::from_name("0.5").value();
  variants.push_back(set.options());
  variants.back().rescue = Rescue::kNone;
  variants.back().keep = KeepRule::from_name("0.5").value();
  for (const RunOptions& options : variants) {
    CAPTURE(configuration(options).dump());
    const std::string out = set.new_out();
    const Json result = run_to(options, out);
    CHECK(result["n_kept"].get<int>() > 0);
    CHECK(result["image_auroc"].is_number());
    CHECK(first_line(out + "/stage1.csv").find(",s_" + std::to_string(options.subsets) + ",aggregate") !=
          std::string::npos);
  }
}

// ---- Scores while sub-models train

RunOptions tracked_options(const TinySet& set) {
  RunOptions o = set.options();
  o.subsets = 3;
  o.aggregate = AggregateRule();
  o.aggregate.aggregate = Aggregate::kTrajectory;
  o.rescue = Rescue::kNone;
  o.detector = "dinomaly";
  o.detector_options.dinomaly.iterations = 5;
  o.detector_options.dinomaly.sub_model_share = 1;
  o.detector_options.dinomaly.blocks = 1;
  o.track_scores = 2;
  return o;
}

struct TrackedReference {
  TinySet set;
  std::string out = set.new_out();
  Json result = run_to(tracked_options(set), out);
};
const TrackedReference& tracked_reference() {
  static const TrackedReference r;
  return r;
}

double mean_of(const std::vector<double>& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum / static_cast<double>(v.size());
}

TEST_CASE("scores are tracked for every image, sub-model and moment, and their trajectory ranks the images") {
  const TrackedReference& r = tracked_reference();
  const auto stage1 = read_csv(r.out + "/stage1.csv");
  const auto tracked = read_csv(r.out + "/stage1_scores.csv");
  CHECK(first_line(r.out + "/stage1_scores.csv") == "path,model,seen,iteration,score");
  REQUIRE(tracked.size() == stage1.size() * 3 * 3);
  size_t line = 0;
  for (const auto& image : stage1) {  // the same order
    std::vector<double> areas;
    for (int model = 1; model <= 3; ++model) {
      double area = 0, last = 0;
      const std::string seen = image.at("subset") == std::to_string(model) ? "1" : "0";
      for (const int step : {2, 4, 5}) {
        const auto& row = tracked[line++];
        CHECK(row.at("path") == image.at("path"));
        CHECK(row.at("model") == std::to_string(model));
        CHECK(row.at("seen") == seen);
        CHECK(row.at("iteration") == std::to_string(step));
        last = std::stod(row.at("score"));
        area += (step == 5 ? 1 : 2) * last / 5;
      }
      CHECK(image.at("s_" + std::to_string(model)) == tracked[line - 1].at("score"));
      if (seen == "0") areas.push_back(area);
    }
    CHECK(std::stod(image.at("aggregate")) == doctest::Approx(mean_of(areas)).epsilon(1e-6));
  }
}

TEST_CASE("the learning bias of a run is the mean score of each group at each moment") {
  const TrackedReference& r = tracked_reference();
  std::map<std::string, std::string> label, kept;
  for (const TinyRow& row : r.set.rows) label[row.path] = row.label == 1 ? "anomalous" : "normal";
  for (const auto& row : read_csv(r.out + "/stage1.csv"))
    kept[row.at("path")] = row.at("kept") == "1" ? "kept" : "doubtful";
  const Json& curve = r.result["learning_bias"];
  REQUIRE(curve.size() == 3);
  std::map<std::string, std::vector<double>> scores;  // "iteration held_out normal" and so on
  for (const auto& row : read_csv(r.out + "/stage1_scores.csv")) {
    const std::string group = row.at("iteration") + (row.at("seen") == "1" ? " seen " : " held_out ");
    scores[group + label.at(row.at("path"))].push_back(std::stod(row.at("score")));
    scores[group + kept.at(row.at("path"))].push_back(std::stod(row.at("score")));
  }
  for (const Json& moment : curve) {
    for (const char* over : {"held_out", "seen"}) {
      for (const char* group : {"kept", "doubtful", "normal", "anomalous"}) {
        const std::string name = moment["iteration"].dump() + " " + over + " " + group;
        CAPTURE(name);
        if (scores.count(name) == 0) {
          CHECK(moment[over][group].is_null());
        } else {
          CHECK(moment[over][group].get<double>() == doctest::Approx(mean_of(scores[name])).epsilon(1e-6));
        }
      }
    }
  }
  CHECK(scores.count("5 held_out anomalous") == 1);
}

TEST_CASE("labels and names have no part in what is tracked and trained") {
  const TrackedReference& r = tracked_reference();
  TinySet set;
  for (TinyRow& row : set.rows) row.label = row.split == "train" ? 1 - row.label : row.label;
  set.write_list(set.rows);
  const std::string out = set.new_out();
  const Json result = run_to(tracked_options(set), out);
  check_same_artefacts(out, r.out);
  for (const char* name : {"/stage1_scores.csv", "/training.csv"})
    CHECK(bytes_of(out + name) == bytes_of(r.out + name));
  CHECK(result["learning_bias"][2]["held_out"]["normal"] == r.result["learning_bias"][2]["held_out"]["anomalous"]);
  CHECK(result["learning_bias"][2]["held_out"]["kept"] == r.result["learning_bias"][2]["held_out"]["kept"]);
  // Other names, no labels: the same lines but for the paths.
  TinySet moved;
  std::map<std::string, std::string> original;
  for (size_t i = 0; i < moved.rows.size(); ++i) {
    const std::string old = moved.rows[i].path;
    moved.rows[i].path = "elsewhere/" + std::to_string(99 - i) + (i % 2 ? "_good.png" : "_bad");
    fs::create_directories(moved.folder / "elsewhere");
    fs::rename(moved.folder / old, moved.folder / moved.rows[i].path);
    original[moved.rows[i].path] = old;
    moved.rows[i].label = -1;
    moved.rows[i].mask.clear();
  }
  moved.write_list(moved.rows);
  const std::string moved_out = moved.new_out();
  const Json unlabelled = run_to(tracked_options(moved), moved_out);
  CHECK(unlabelled["learning_bias"][0]["seen"]["anomalous"].is_null());
  CHECK(bytes_of(moved_out + "/model.assay") == bytes_of(r.out + "/model.assay"));
  CHECK(bytes_of(moved_out + "/training.csv") == bytes_of(r.out + "/training.csv"));
  auto rows = read_csv(moved_out + "/stage1_scores.csv");
  for (auto& row : rows) row["path"] = original.at(row.at("path"));
  CHECK(rows == read_csv(r.out + "/stage1_scores.csv"));
}

TEST_CASE("a damaged table of tracked scores is made again, and a trajectory needs one") {
  TinySet set;
  RunOptions options = tracked_options(set);
  const std::string out = set.new_out();
  run_to(options, out);
  put(out + "/stage1_scores.csv", "damaged");
  run_to(options, out);
  CHECK(bytes_of(out + "/stage1_scores.csv") == bytes_of(tracked_reference().out + "/stage1_scores.csv"));
  options.track_scores = 0;
  CHECK(failure_of(options, set.new_out()).find("--aggregate=trajectory: needs a detector that trains") == 0);
  options.track_scores = 2;
  options.detector = "padim";
  CHECK(failure_of(options, set.new_out()).find("--aggregate=trajectory: needs a detector that trains") == 0);
}

TEST_CASE("padim and softpatch go through both stages without a case of their own") {
  TinySet set;
  for (const std::string detector : {"padim", "softpatch"}) {
    CAPTURE(detector);
    RunOptions options = set.options();
    options.detector = detector;
    options.aggregate = AggregateRule();
    options.rescue = Rescue::kNone;
    const std::string out = set.new_out();
    const Json result = run_to(options, out);
    CHECK(result["image_auroc"].is_number());
    CHECK(Model::load(out + "/model.assay").value()->detector_name() == detector);
    options.stage1_detector = "patchcore";
    run_to(options, set.new_out());
    options.single_stage = true;
    run_to(options, set.new_out());
  }
}

TEST_CASE("the sub-models of every detector may be the final one, which scores from its file as in the run") {
  TinySet set;
  for (const std::string detector : {"patchcore", "softpatch", "padim", "dinomaly"}) {
    CAPTURE(detector);
    RunOptions options = detector == "patchcore" ? set.options() : tracked_options(set);
    options.detector = detector;
    if (detector == "softpatch" || detector == "padim") options.aggregate.aggregate = Aggregate::kMean;
    options.ensemble = true;
    const std::string out = set.new_out();
    const Json result = run_to(options, out);
    CHECK(result["image_auroc"].is_number());
    CHECK(result["threshold"].get<double>() > 0);
    const auto model = Model::load(out + "/model.assay").value();
    CHECK(model->detector_name() == "ensemble/" + detector);
    CHECK(model->calibration().num_scores == result["n_kept"].get<int64_t>());
    for (const auto& row : read_csv(out + "/scores.csv")) {
      const Tensor input = load_input(set.folder / row.at("path"), model->recipe().input_size).value();
      char digits[32];
      std::snprintf(digits, sizeof digits, "%.9g", model->score(input).score);
      CHECK(row.at("score") == digits);
    }
    if (detector != "dinomaly") continue;
    // Nothing is trained but the sub-models, which are what they are without the ensemble.
    std::set<std::string> trained;
    for (const auto& row : read_csv(out + "/training.csv")) trained.insert(row.at("model"));
    CHECK(trained == std::set<std::string>{"sub_model_1", "sub_model_2", "sub_model_3"});
    CHECK(bytes_of(out + "/stage1.csv") == bytes_of(tracked_reference().out + "/stage1.csv"));
  }
}

TEST_CASE("a threshold of an ensemble is no lower than a share of the images that look normal, each unseen") {
  TinySet set;
  RunOptions options = set.options();
  options.ensemble = true;
  options.false_alarm_rate = 0.25;
  const std::string out = set.new_out();
  const Json result = run_to(options, out);
  // Under the whole ensemble, which has seen them, images score lower than under the members that have not.
  const auto model = Model::load(out + "/model.assay").value();
  int64_t above = 0, kept = 0;
  for (const auto& row : read_csv(out + "/stage1.csv")) {
    if (row.at("kept") == "0") continue;
    ++kept;
    const Tensor input = load_input(set.folder / row.at("path"), model->recipe().input_size).value();
    above += model->score(input).anomalous;
  }
  CHECK(kept == result["n_kept"].get<int64_t>());
  CHECK(above <= kept / 4);
}

TEST_CASE("a single stage has no list of suspicious images and keeps all") {
  TinySet set;
  RunOptions options = set.options();
  options.single_stage = true;
  const std::string out = set.new_out();
  const Json result = run_to(options, out);
  CHECK_FALSE(fs::exists(out + "/stage1.csv"));
  CHECK(result["n_kept"] == 24);
  CHECK(run_to(options, out) == result);
}

TEST_CASE("purifying ends with the list of suspicious images") {
  TinySet set;
  const std::string out = set.new_out();
  const Json result = run_to(set.options(), out, RunExtent::kPurify);
  CHECK(bytes_of(out + "/stage1.csv") == bytes_of(reference().out + "/stage1.csv"));
  CHECK_FALSE(fs::exists(out + "/model.assay"));
  CHECK_FALSE(fs::exists(out + "/scores.csv"));
  CHECK(result["alpha_kept"].is_number());
  CHECK(run_to(set.options(), out, RunExtent::kPurify) == result);
  fs::remove(out + "/stage1.csv");
  run_to(set.options(), out, RunExtent::kPurify);
  CHECK(bytes_of(out + "/stage1.csv") == bytes_of(reference().out + "/stage1.csv"));
}

TEST_CASE("unusable files are left out and counted, or an error where the user is strict") {
  TinySet set;
  put(set.folder / "text.png", "not an image");
  put(set.folder / "empty.png", "");
  std::vector<TinyRow> rows = set.rows;
  rows.push_back({"train", "text.png", 0, ""});
  rows.push_back({"train", "missing.png", 0, ""});
  rows.push_back({"test", "empty.png", 0, ""});
  set.write_list(rows);
  RunOptions options = set.options();
  const std::string out = set.new_out();
  const Json result = run_to(options, out);
  CHECK(result["n_train"] == 24);
  CHECK(result["n_test"] == 12);
  CHECK(result["n_skipped"] == 3);
  check_same_artefacts(out, reference().out);
  fs::remove(out + "/scores.csv");
  CHECK(run_to(options, out)["n_skipped"] == 3);
  options.strict = true;
  CHECK(failure_of(options, set.new_out()).find("(--strict)") != std::string::npos);
}

TEST_CASE("a defect whose name is not UTF-8 has its metrics") {
  TinySet set;
  TinyRow& row = set.rows.back();
  row = {"test", "caf\xe9/1.png", 1, ""};
  testing::write_tiny_image(set.folder / row.path, testing::tiny_image(500, true));
  set.write_list(set.rows);
  const std::string out = set.new_out();
  run_to(set.options(), out);
  CHECK(Json::accept(bytes_of(out + "/metrics.json")));
}

TEST_CASE("too few images are an error that says how many there are") {
  TinySet set;
  set.write_list({set.rows[0], set.rows[0 + 2], set.rows[30]});
  CHECK(failure_of(set.options(), set.new_out()).find("--subsets=3: there are only 2") != std::string::npos);
  set.write_list({set.rows[0], set.rows[30]});
  CHECK(failure_of(set.options(), set.new_out()).find("expected at least 2") != std::string::npos);
  set.write_list({set.rows[30]});
  CHECK(failure_of(set.options(), set.new_out()).find("no training images") != std::string::npos);
}

TEST_CASE("two training images are enough for two subsets") {
  TinySet set;
  set.write_list({set.rows[0], set.rows[2], set.rows[25], set.rows[30]});
  RunOptions options = set.options();
  options.subsets = 2;
  CHECK(run_to(options, set.new_out())["n_train"] == 2);
}

}  // namespace
}  // namespace assay::pipeline
