// SPDX-License-Identifier: Apache-2.0
// A benchmark on tiny images: its cells, and that it can be stopped.
#include "pipeline/benchmark/benchmark.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/integration/tiny_run.h"

namespace assay::pipeline {
namespace {

// Two rows, two seeds, one set with two of ten training images anomalous.
struct TinyBenchmark : TinySet {
  BenchmarkPlan plan;
  TinyBenchmark() {
    std::vector<TinyRow> few(rows.begin(), rows.begin() + 10);
    few.insert(few.end(), rows.begin() + 24, rows.end());
    write_list(few);
    fs::rename(folder / "list.csv", folder / "tiny_alpha0.2.csv");
    SetRequest request;
    request.paths = {folder / "tiny_alpha0.2.csv"};
    plan.sets = find_benchmark_sets(request).value();
    plan.rows = {{"single", {"--single-stage"}}, {"two-stage", {}}};
    plan.seeds = {0, 1};
    plan.out = folder / "benchmark";
  }

  // The flags of these tests; what they mean is tools' affair.
  Result<RunOptions> options_of(const BenchmarkRow& row) const {
    RunOptions o = options();
    for (const std::string& flag : row.flags) {
      if (flag == "--single-stage") o.single_stage = true;
      if (flag == "--clean-by-labels") o.clean_by_labels = true;
      if (flag == "--too-many-subsets") o.subsets = 64;
      if (flag == "--wrong") return Status::error("--wrong: no such flag");
    }
    return o;
  }

  Result<BenchmarkOutcome> run(Progress* progress) const {
    return run_benchmark(
        plan, [this](const BenchmarkRow& row) { return options_of(row); }, progress);
  }
  BenchmarkOutcome run() const {
    Progress progress;
    Result<BenchmarkOutcome> outcome = run(&progress);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    return std::move(outcome).value();
  }

  std::vector<fs::path> files(const std::string& name) const {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(plan.out)) {
      if (entry.path().filename() == name || entry.path().extension() == name) found.push_back(entry.path());
    }
    return found;
  }
};

// The JSON without what differs from call to call.
Json comparable(const std::string& out) {
  Json json = Json::parse(bytes_of(out + "/" + kJsonFile));
  for (Json& cell : json["cells"]) {
    for (const char* name : {"seconds", "peak_rss_bytes", "phases"}) cell["result"].erase(name);
  }
  for (Json& line : json["table"]) line.erase("seconds");
  for (Json& set : json["sets"]) set.erase("data");
  for (Json& cell : json["cells"]) cell.erase("run");
  return json;
}

class StopAt : public Progress {
 public:
  explicit StopAt(int n) : left_(n) {}
  bool stop_requested() override { return --left_ <= 0; }

 private:
  int left_;
};

TEST_CASE("a benchmark has a run for each row, seed and set, and tables of them all") {
  const TinyBenchmark b;
  const BenchmarkOutcome outcome = b.run();
  CHECK(outcome.num_computed == 4);
  CHECK(outcome.num_failed == 0);
  const Json json = Json::parse(bytes_of(b.plan.out + "/" + kJsonFile));
  REQUIRE(json["cells"].size() == 4);
  for (const Json& cell : json["cells"]) {
    CHECK(cell["result"]["n_train"] == 10);
    CHECK(cell["result"]["image_auroc"].is_number());
    CHECK(fs::exists(b.plan.out + "/" + cell["run"].get<std::string>() + "/scores.csv"));
  }
  CHECK(json["sets"][0]["n_train_anomalous"] == 2);
  CHECK(read_csv(b.plan.out + "/" + kCsvFile).size() == 2);
  CHECK(bytes_of(b.plan.out + "/" + kMarkdownFile).find("| tiny | 0.2 | two-stage |") != std::string::npos);
  CHECK_FALSE(fs::exists(b.plan.out + "/" + kCurvesFile));  // of one alpha there is no curve
  CHECK(b.files("stage1.csv").size() == 2);
  CHECK(b.files(kModelFile).empty());
  CHECK(b.files(".part").size() == 10 + 12);  // features are computed once for all cells
}

TEST_CASE("a cell's result is that of the run by itself") {
  const TinyBenchmark b;
  const BenchmarkOutcome outcome = b.run();
  RunOptions options = b.options();
  options.data = b.folder / "tiny_alpha0.2.csv";
  options.seed = 1;
  const Json alone = run_to(options, b.folder / "alone");
  const Cell& cell = outcome.results.cells[3];
  CHECK(cell.seed == 1);
  CHECK(cell.row == 1);
  for (const char* name : {"image_auroc", "pixel_aupro", "stage1_auroc", "threshold", "alpha_kept"}) {
    CHECK_MESSAGE(cell.result[name] == alone[name], name);
  }
  CHECK(bytes_of(b.plan.out + "/" + cell.folder + "/scores.csv") == bytes_of(b.folder / "alone" + "/scores.csv"));
}

TEST_CASE("what is whole is not computed again, and a new row or seed computes its own cells alone") {
  TinyBenchmark b;
  b.run();
  const Json first = comparable(b.plan.out);
  CHECK(b.run().num_computed == 0);
  CHECK(comparable(b.plan.out) == first);
  b.plan.seeds.push_back(2);
  CHECK(b.run().num_computed == 2);
  b.plan.rows.push_back({"two-stage once more", {}});  // means the same, so it shares the cells
  CHECK(b.run().num_computed == 0);
  b.plan.rows.push_back({"clean", {"--single-stage", "--clean-by-labels"}});
  const BenchmarkOutcome outcome = b.run();
  CHECK(outcome.num_computed == 3);
  CHECK(outcome.results.cells.back().result["n_train"] == 8);
  CHECK(outcome.results.rows.back().name() == "clean (oracle)");
  put(b.files("cell.json")[0].string(), "damaged");
  CHECK(b.run().num_computed == 1);
}

TEST_CASE("a benchmark that is stopped at any point goes on to the same tables without computing a cell twice") {
  const TinyBenchmark whole;
  whole.run();
  for (int patience : {30, 75, 130}) {
    const TinyBenchmark b;
    int64_t computed = 0;
    int interruptions = 0;
    for (bool is_finished = false; !is_finished; patience += 40) {
      const auto cells_before = static_cast<int64_t>(fs::exists(b.plan.out) ? b.files("cell.json").size() : 0);
      StopAt progress(patience);
      const auto outcome = b.run(&progress);
      is_finished = outcome.ok();
      if (!is_finished) CHECK(outcome.message() == kInterrupted);
      interruptions += !is_finished;
      const auto cells_after = static_cast<int64_t>(b.files("cell.json").size());
      if (is_finished) CHECK(outcome.value().num_computed == cells_after - cells_before);
      computed += cells_after - cells_before;
      CHECK(fs::exists(b.plan.out + "/" + kMarkdownFile));
    }
    CHECK(computed == 4);
    CHECK(interruptions > 0);
    CHECK(comparable(b.plan.out) == comparable(whole.plan.out));
  }
}

TEST_CASE("a cell that fails is in the table with its reason, and the others are computed") {
  TinyBenchmark b;
  b.plan.rows.insert(b.plan.rows.begin(), {"bad", {"--too-many-subsets"}});
  const BenchmarkOutcome outcome = b.run();
  CHECK(outcome.num_failed == 2);
  CHECK(outcome.num_computed == 6);
  const std::string md = bytes_of(b.plan.out + "/" + kMarkdownFile);
  CHECK(md.find("## Failed") != std::string::npos);
  CHECK(md.find("| tiny, alpha 0.2 | bad | 1 | ") != std::string::npos);
  CHECK(md.find("64") != std::string::npos);
  CHECK(b.run().num_computed == 2);  // tried again
}

TEST_CASE("data that change between two calls are other cells, and data that vanish are failures") {
  const TinyBenchmark b;
  b.run();
  testing::write_tiny_image(b.folder / b.rows[0].path, testing::tiny_image(1000, false));
  CHECK(b.run().num_computed == 4);
  fs::remove(b.folder / "tiny_alpha0.2.csv");
  const BenchmarkOutcome outcome = b.run();
  CHECK(outcome.num_failed == 4);
  CHECK(outcome.results.cells[0].failure.find("tiny_alpha0.2.csv") != std::string::npos);
}

TEST_CASE("a row that means nothing and a folder that cannot be made are errors before any work") {
  TinyBenchmark b;
  Progress progress;
  b.plan.rows.push_back({"bad", {"--wrong"}});
  CHECK(b.run(&progress).message() == "row 'bad': --wrong: no such flag");
  b.plan.rows.pop_back();
  put(b.folder / "file", "");
  b.plan.out = b.folder / "file";
  CHECK(b.run(&progress).message().find(b.plan.out) == 0);
}

}  // namespace
}  // namespace assay::pipeline
