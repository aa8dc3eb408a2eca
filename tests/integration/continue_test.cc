// SPDX-License-Identifier: Apache-2.0
// Runs that are stopped, damaged or complete, and go on.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "pipeline/run/run.h"
#include "tests/integration/tiny_run.h"

namespace assay::pipeline {
namespace {

// Stops at the n-th sign of life, of whatever phase.
class StopAt : public Progress {
 public:
  explicit StopAt(int n) : left_(n) {}
  void begin(const std::string& phase, int64_t) override { phase_ = phase; }
  bool stop_requested() override {
    if (left_ > 0 && --left_ == 0) stopped_in_ = phase_;
    return left_ <= 0;
  }
  const std::string& stopped_in() const { return stopped_in_; }

 private:
  int left_;
  std::string phase_, stopped_in_;
};

TEST_CASE("a run that is stopped at any point continues to the same bytes") {
  TinySet set;
  std::set<std::string> phases;
  bool finished = false;
  for (int n = 1; !finished; n += 7) {
    CAPTURE(n);
    const std::string out = set.new_out();
    StopAt progress(n);
    const auto stopped = run(set.options(), out, RunExtent::kWhole, &progress);
    finished = stopped.ok();
    if (!finished) {
      CHECK(stopped.message() == kInterrupted);
      phases.insert(progress.stopped_in());
      run_to(set.options(), out);
    }
    check_same_artefacts(out, reference().out);
  }
  CHECK(phases.count("reading files") == 1);
  CHECK(phases.count("features") == 1);
  CHECK(phases.count("distances") == 1);
  CHECK(phases.count("scoring") == 1);
}

TEST_CASE("a run that is stopped again and again gets there in the end") {
  TinySet set;
  const std::string out = set.new_out();
  bool finished = false;
  for (int n = 40; !finished && n < 400; n += 20) {
    StopAt progress(n);
    finished = run(set.options(), out, RunExtent::kWhole, &progress).ok();
  }
  REQUIRE(finished);
  check_same_artefacts(out, reference().out);
}

TEST_CASE("a finished run redoes nothing and returns what it returned") {
  TinySet set;
  const std::string out = set.new_out();
  const Json first = run_to(set.options(), out);
  std::map<std::string, fs::file_time_type> times;
  for (const std::string& name : kArtefacts) times[name] = fs::last_write_time(out + "/" + name);
  CHECK(run_to(set.options(), out) == first);
  for (const std::string& name : kArtefacts) CHECK(fs::last_write_time(out + "/" + name) == times[name]);
}

TEST_CASE("an artefact that is missing or damaged is made again") {
  TinySet set;
  const std::string out = set.new_out();
  run_to(set.options(), out);
  for (const std::string& name : kArtefacts) {
    CAPTURE(name);
    fs::remove(out + "/" + name);
    run_to(set.options(), out);
    check_same_artefacts(out, reference().out);
    put(out + "/" + name, "damaged");
    run_to(set.options(), out);
    check_same_artefacts(out, reference().out);
  }
}

TEST_CASE("other labels are not the finished run's") {
  TinySet set;
  const std::string out = set.new_out();
  run_to(set.options(), out);
  for (TinyRow& row : set.rows) row.label = row.split == "test" ? 1 - row.label : row.label;
  set.write_list(set.rows);
  CHECK(failure_of(set.options(), out).find("labels_sha256") != std::string::npos);
}

TEST_CASE("other images are not the finished run's") {
  TinySet set;
  const std::string out = set.new_out();
  run_to(set.options(), out);
  testing::write_tiny_image(set.folder / set.rows[0].path, testing::tiny_image(1000, false));
  CHECK(failure_of(set.options(), out).find("data_sha256") != std::string::npos);
}

}  // namespace
}  // namespace assay::pipeline
