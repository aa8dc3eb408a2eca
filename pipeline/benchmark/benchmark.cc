// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/benchmark.h"

#include <chrono>
#include <cmath>
#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

#include "pipeline/benchmark/curves.h"
#include "pipeline/benchmark/tables.h"
#include "pipeline/data/file.h"
#include "pipeline/data/sha256.h"
#include "pipeline/run/run.h"
#include "pipeline/run/run_folder.h"
#include "pipeline/run/scan.h"
#include "pipeline/run/version.h"

namespace assay::pipeline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr char kCellFile[] = "cell.json";
constexpr int64_t kMaxCellBytes = int64_t{64} << 20;

data::ByteView bytes_of(const std::string& s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }

// A cell's phases under the cell's number. What a run has to say of itself is in its run.json.
class CellProgress : public Progress {
 public:
  CellProgress(Progress* outer, std::string name) : outer_(outer), name_(std::move(name)) {}
  void begin(const std::string& phase, int64_t total) override { outer_->begin(name_ + " " + phase, total); }
  void advance(int64_t done) override { outer_->advance(done); }
  void skip(int64_t steps) override { outer_->skip(steps); }
  bool stop_requested() override { return outer_->stop_requested(); }

 private:
  Progress* const outer_;
  const std::string name_;
};

std::string file_text(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// A category's name as part of a path.
std::string file_name_of(const std::string& category) {
  std::string name;
  for (const char c : category) name += c == '/' || static_cast<unsigned char>(c) < 0x20 ? '_' : c;
  return name.empty() || name[0] == '.' ? "_" + name : name;
}

std::string duration(double seconds) {
  if (seconds < 100) return text(std::llround(seconds), " s");
  if (seconds < 6000) return text(std::llround(seconds / 60), " min");
  return text(std::llround(seconds / 360) / 10.0, " h");
}

class Benchmark {
 public:
  Benchmark(const BenchmarkPlan& plan, const MakeRunOptions& make_options, Progress* progress)
      : plan_(plan), make_options_(make_options), progress_(progress) {}

  Result<BenchmarkOutcome> run() {
    ASSAY_RETURN_IF_ERROR(RunFolder::check_writable(plan_.out));
    ASSAY_RETURN_IF_ERROR(begin());
    for (size_t set = 0; set < plan_.sets.size(); ++set) {
      const Status done = run_set(set);
      ASSAY_RETURN_IF_ERROR(write_tables());
      ASSAY_RETURN_IF_ERROR(done);
    }
    return std::move(outcome_);
  }

 private:
  // Rows that mean nothing are found before any work.
  Status begin() {
    ASSAY_RETURN_IF_ERROR(check_rows(plan_.rows));
    BenchmarkResults& r = outcome_.results;
    r.sets = plan_.sets;
    r.counts.resize(plan_.sets.size());
    r.seeds = plan_.seeds;
    for (const BenchmarkRow& row : plan_.rows) {
      Result<RunOptions> options = make_options_(row);
      if (!options.ok()) return Status::error("row '", row.name, "': ", options.message());
      const RunOptions& o = options.value();
      r.rows.push_back({row, o.detector, o.single_stage, o.clean_by_labels});
      options_.push_back(std::move(options).value());
    }
    for (size_t set = 0; set < plan_.sets.size(); ++set) {
      for (const uint64_t seed : plan_.seeds) {
        for (size_t row = 0; row < plan_.rows.size(); ++row) r.cells.push_back({set, row, seed, "", Json(), ""});
      }
    }
    return Status();
  }

  Status run_set(size_t set) {
    const BenchmarkSet& of = plan_.sets[set];
    RunOptions options;
    set_data(of, &options);
    CellProgress scanning(progress_, name_of(of));
    const Result<ScannedData> data = scan(options, /*with_test_files=*/true, &scanning);
    if (!data.ok() && data.message() == kInterrupted) return data.status();
    if (data.ok()) {
      SetCounts& counts = outcome_.results.counts[set];
      counts = count_images(data.value().opened);
      counts.trained_and_tested = data.value().num_trained_and_tested;
    }
    const size_t num_cells = plan_.seeds.size() * plan_.rows.size();
    for (size_t c = set * num_cells; c < (set + 1) * num_cells; ++c) {
      Cell& cell = outcome_.results.cells[c];
      if (data.ok()) {
        ASSAY_RETURN_IF_ERROR(run_cell(c, data.value(), &cell));
      } else {
        cell.failure = data.message();
      }
      if (cell.failure.empty()) continue;
      ++outcome_.num_failed;
      progress_->note("failed: " + title_of(cell) + ": " + cell.failure);
    }
    return Status();
  }

  static void set_data(const BenchmarkSet& set, RunOptions* options) {
    options->data = set.data;
    options->dataset = set.dataset;
    options->injection = set.injection;
  }

  std::string title_of(const Cell& cell) const {
    return text(name_of(plan_.sets[cell.set]), ", ", outcome_.results.rows[cell.row].name(), ", seed ", cell.seed);
  }

  // Only a wish to stop is an error.
  Status run_cell(size_t number, const ScannedData& data, Cell* cell) {
    RunOptions options = options_[cell->row];
    set_data(plan_.sets[cell->set], &options);
    options.seed = cell->seed;
    if (options.feature_cache.empty()) options.feature_cache = plan_.out + "/features";
    Json key = configuration(options);
    key["data_sha256"] = data.data_sha256;
    key["labels_sha256"] = data.labels_sha256;
    key["version"] = kVersion;
    // Text that is not UTF-8 changes on its way through a file.
    key = Json::parse(key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    cell->folder = folder_of(*cell, key);
    const std::string folder = plan_.out + "/" + cell->folder;
    cell->result = whole_result(folder, key);
    if (!cell->result.is_null()) return Status();
    note_cell(number, *cell);
    const Clock::time_point begun = Clock::now();
    CellProgress progress(progress_, text("[", number + 1, "/", outcome_.results.cells.size(), "]"));
    const Status done = compute(options, folder, key, &progress, cell);
    if (!done.ok() && done.message() == kInterrupted) return done;
    ++outcome_.num_computed;
    seconds_ += std::chrono::duration<double>(Clock::now() - begun).count();
    cell->failure = done.message();
    return Status();
  }

  // Rows that mean the same share their cells.
  std::string folder_of(const Cell& cell, const Json& key) const {
    const BenchmarkSet& set = plan_.sets[cell.set];
    return text("cells/", file_name_of(set.category), "/alpha", set.alpha, "-seed", cell.seed, "-",
                data::sha256(bytes_of(key.dump())).substr(0, 12));
  }

  static Json whole_result(const std::string& folder, const Json& key) {
    const Result<std::vector<uint8_t>> bytes = data::read_file(folder + "/" + kCellFile, kMaxCellBytes);
    if (!bytes.ok()) return Json();
    const Json cell = Json::parse(bytes.value(), nullptr, /*allow_exceptions=*/false);
    const bool is_whole = cell.is_object() && cell.contains("result") && cell.contains("key") && cell["key"] == key;
    return is_whole ? cell["result"] : Json();
  }

  static Status compute(const RunOptions& options, const std::string& folder, const Json& key, Progress* progress,
                        Cell* cell) {
    try {
      const Result<Json> result = pipeline::run(options, folder, RunExtent::kWhole, progress);
      if (!result.ok()) return result.status();
      ASSAY_RETURN_IF_ERROR(data::write_file_atomically(
          folder + "/" + kCellFile, bytes_of(file_text({{"key", key}, {"result", result.value()}}))));
      std::error_code ignored;  // nothing but space is lost
      fs::remove(folder + "/" + kModelFile, ignored);
      cell->result = result.value();
      return Status();
    } catch (const std::exception& error) {
      return Status::error(error.what());
    }
  }

  void note_cell(size_t number, const Cell& cell) {
    const auto left = static_cast<double>(outcome_.results.cells.size() - number);
    const auto done = static_cast<double>(outcome_.num_computed);
    progress_->note(text("[", number + 1, "/", outcome_.results.cells.size(), "] ", title_of(cell),
                         done > 0 ? text("; at most about ", duration(left * seconds_ / done), " left") : ""));
  }

  Status write_tables() const {
    const BenchmarkResults& r = outcome_.results;
    const auto write = [&](const char* name, const std::string& contents) {
      return data::write_file_atomically(plan_.out + "/" + name, bytes_of(contents));
    };
    ASSAY_RETURN_IF_ERROR(write(kMarkdownFile, markdown_tables(r)));
    ASSAY_RETURN_IF_ERROR(write(kCsvFile, csv_table(r)));
    ASSAY_RETURN_IF_ERROR(write(kJsonFile, file_text(json_tables(r))));
    const std::string curves = curves_svg(r);
    return curves.empty() ? Status() : write(kCurvesFile, curves);
  }

  const BenchmarkPlan& plan_;
  const MakeRunOptions& make_options_;
  Progress* const progress_;
  std::vector<RunOptions> options_;  // of each row, without data and seed
  BenchmarkOutcome outcome_;
  double seconds_ = 0;  // of the cells that were computed
};

}  // namespace

Result<BenchmarkOutcome> run_benchmark(const BenchmarkPlan& plan, const MakeRunOptions& make_options,
                                       Progress* progress) {
  return Benchmark(plan, make_options, progress).run();
}

}  // namespace assay::pipeline
