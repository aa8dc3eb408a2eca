// SPDX-License-Identifier: Apache-2.0
// Whole runs on a GPU, the simulator's or a real one, against the same runs on the CPU. On the CPU alone these cases
// have nothing to compare.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/memory/usage.h"
#include "pipeline/evaluation/evaluate.h"
#include "pipeline/model/model.h"
#include "tests/integration/tiny_run.h"
#include "tests/support/backend.h"

namespace assay::pipeline {
namespace {

// 12 images of 64 px: 8 for training, two of them with a spot, 4 for test.
struct DozenImages : TinySet {
  DozenImages() {
    std::vector<TinyRow> dozen;
    for (int i = 0; i < 8; ++i) dozen.push_back(rows[i]);
    for (int i = 24; i < 28; ++i) dozen.push_back(rows[i]);
    write_list(dozen);
  }
  RunOptions options_on(const std::string& devices) const {
    RunOptions o = options();
    o.subsets = 2;
    o.placement = {devices_from_name(devices).value(), 3};
    return o;
  }
};

struct Pair {
  DozenImages set;
  std::string cpu_out = set.new_out(), gpu_out = set.new_out();
  Json on_cpu = run_to(set.options_on("cpu"), cpu_out);
  Json on_gpu = run_to(set.options_on("cuda:0"), gpu_out);
};
Pair& both() {
  static Pair pair;
  return pair;
}

// Scores are mean squared distances of rows of length one that thirty layers in float32 and float16 storage (2^-11
// relative) have made: the two ways round them differently.
constexpr double kRelative = 4e-3, kAbsolute = 2e-4;
bool close(double a, double b) {
  return std::fabs(a - b) <= kAbsolute + kRelative * std::max(std::fabs(a), std::fabs(b));
}

std::map<std::string, std::map<std::string, std::string>> by_path(const std::string& csv) {
  std::map<std::string, std::map<std::string, std::string>> rows;
  for (const auto& row : read_csv(csv)) rows[row.at("path")] = row;
  return rows;
}

void check_close_columns(const std::string& a, const std::string& b, const std::vector<std::string>& columns) {
  const auto x = by_path(a), y = by_path(b);
  REQUIRE(x.size() == y.size());
  for (const auto& [path, row] : x) {
    for (const std::string& column : columns) {
      CAPTURE(path);
      CAPTURE(column);
      CAPTURE(row.at(column));
      CAPTURE(y.at(path).at(column));
      CHECK(close(std::stod(row.at(column)), std::stod(y.at(path).at(column))));
    }
  }
}

TEST_CASE("a run on the GPU keeps the images that the CPU keeps, with its scores within rounding") {
  if (!testing::on_cuda()) return;
  const Pair& p = both();
  const auto cpu = by_path(p.cpu_out + "/stage1.csv"), gpu = by_path(p.gpu_out + "/stage1.csv");
  REQUIRE(cpu.size() == 8);
  for (const auto& [path, row] : cpu) {
    CAPTURE(path);
    CHECK(row.at("kept") == gpu.at(path).at("kept"));
    CHECK(row.at("subset") == gpu.at(path).at("subset"));
  }
  check_close_columns(p.cpu_out + "/stage1.csv", p.gpu_out + "/stage1.csv", {"s_1", "s_2", "aggregate"});
  check_close_columns(p.cpu_out + "/scores.csv", p.gpu_out + "/scores.csv", {"score"});
  CHECK(close(p.on_cpu["threshold"], p.on_gpu["threshold"]));
  CHECK(p.on_cpu["n_kept"] == p.on_gpu["n_kept"]);
  CHECK(p.on_cpu["image_auroc"] == p.on_gpu["image_auroc"]);
}

TEST_CASE("the GPU's model scores on the CPU, and the CPU's on the GPU, as where it was made") {
  if (!testing::on_cuda()) return;
  const Pair& p = both();
  const auto rows = by_path(p.cpu_out + "/scores.csv");
  for (const std::string& out : {p.cpu_out, p.gpu_out}) {
    const auto on_cpu = Model::load(out + "/model.assay");
    const auto on_gpu = Model::load(out + "/model.assay", Device::cuda(0));
    REQUIRE_MESSAGE(on_cpu.ok(), on_cpu.message());
    REQUIRE_MESSAGE(on_gpu.ok(), on_gpu.message());
    CHECK(on_gpu.value()->device() == Device::cuda(0));
    // Files know nothing of the device that wrote them.
    const std::string again = p.set.folder / "again.assay";
    REQUIRE(on_gpu.value()->save(again).ok());
    CHECK(bytes_of(again) == bytes_of(out + "/model.assay"));
    for (const auto& [path, row] : rows) {
      const Tensor input = load_input(p.set.folder / path, on_cpu.value()->recipe().input_size).value();
      const ScoredImage here = on_cpu.value()->score(input), there = on_gpu.value()->score(input);
      CHECK(close(here.score, there.score));
      CHECK(close(here.score, std::stod(row.at("score"))));
      CHECK(there.map.shape() == here.map.shape());
    }
  }
}

TEST_CASE("the number of GPUs changes no bit") {
  if (!testing::on_cuda() || !devices_from_name("cuda:1").ok()) return;  // takes two GPUs
  Pair& p = both();
  const std::string out = p.set.new_out();
  run_to(p.set.options_on("cuda:0,cuda:1"), out);
  check_same_artefacts(out, p.gpu_out);
}

TEST_CASE("a second run on the GPU gives the same bits, and a finished one redoes nothing") {
  if (!testing::on_cuda()) return;
  Pair& p = both();
  const std::string out = p.set.new_out();
  const Json first = run_to(p.set.options_on("cuda:0"), out);
  check_same_artefacts(out, p.gpu_out);
  CHECK(run_to(p.set.options_on("cuda:0"), out) == first);
}

TEST_CASE("fitted sub-models and PaDiM on GPUs agree with the CPU") {
  if (!testing::on_cuda()) return;
  Pair& p = both();
  const char* gpus = devices_from_name("cuda:1").ok() ? "cuda:0,cuda:1" : "cuda:0";
  for (const bool is_padim : {true, false}) {
    CAPTURE(is_padim);
    std::vector<std::string> outs;
    for (const char* devices : {"cpu", gpus}) {
      RunOptions options = p.set.options_on(devices);
      options.rescue = Rescue::kNone;
      options.aggregate = AggregateRule();
      options.keep = KeepRule::from_name("0.7").value();
      if (is_padim) {
        options.detector = "padim";
      } else {
        options.memory_limit = 1000;  // no room for the table of distances: sub-models are fitted
        options.detector_options.patchcore.selector = models::PatchcoreOptions::Selector::kGreedy;
        options.detector_options.patchcore.coreset_ratio = 0.3;
      }
      outs.push_back(p.set.new_out());
      run_to(options, outs.back());
    }
    const auto cpu = by_path(outs[0] + "/stage1.csv"), gpu = by_path(outs[1] + "/stage1.csv");
    for (const auto& [path, row] : cpu) CHECK(row.at("kept") == gpu.at(path).at("kept"));
    if (is_padim) check_close_columns(outs[0] + "/scores.csv", outs[1] + "/scores.csv", {"score"});
  }
}

TEST_CASE("the record says which devices computed, and what of their memory each purpose took") {
  if (!testing::on_cuda()) return;
  const Json record = Json::parse(bytes_of(both().gpu_out + "/run.json"));
  const Json& devices = record["notes"]["devices"];
  REQUIRE(devices.size() == 1);
  CHECK(devices[0]["device"].get<std::string>().find("cuda:0 (") == 0);
  CHECK(devices[0]["peak_bytes"].get<int64_t>() > 0);
  for (const char* purpose :
       {"conv_graph weights", "conv_graph workspace", "memory bank", "distance table", "images"}) {
    CAPTURE(std::string(purpose));
    CHECK(devices[0]["peak_bytes_by_purpose"].value(purpose, int64_t{0}) > 0);
  }
  CHECK_FALSE(Json::parse(bytes_of(both().cpu_out + "/run.json"))["notes"].contains("devices"));
}

TEST_CASE("after a run nothing is left on the GPU") {
  if (!testing::on_cuda()) return;
  (void)both();
  for (const auto& [tag, usage] : memory_usage(Device::cuda(0))) {
    CAPTURE(tag);
    CHECK(usage.live_bytes == 0);
  }
}

TEST_CASE("a GPU that runs out of memory ends the run, which goes on when there is some") {
  if (!testing::on_cuda()) return;
  Pair& p = both();
  int failures = 0;
  for (const int64_t n : {3, 40, 150, 400, 700}) {  // anywhere from the weights to the last maps
    CAPTURE(n);
    const std::string out = p.set.new_out();
    fail_nth_allocation(n);
    std::string message;
    try {
      message = failure_of(p.set.options_on("cuda:0"), out);
    } catch (const Error& error) {
      message = error.what();
    }
    fail_nth_allocation(0);
    if (message.empty()) continue;  // fewer allocations than that
    ++failures;
    CHECK_MESSAGE(message.find("out of memory") != std::string::npos, message);
    CHECK_FALSE(fs::exists(out + "/scores.csv"));
    run_to(p.set.options_on("cuda:0"), out);
    check_same_artefacts(out, p.gpu_out);
  }
  CHECK(failures >= 3);
}

}  // namespace
}  // namespace assay::pipeline
