// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run/run.h"

#include <sys/resource.h>

#include <memory>
#include <utility>

#include "engine/memory/usage.h"
#include "pipeline/run/memory_advice.h"
#include "pipeline/run/run_state.h"
#include "pipeline/run/test_images.h"
#include "pipeline/run/training.h"
#include "pipeline/run/version.h"

namespace assay::pipeline {
namespace {

using Json = nlohmann::ordered_json;

int64_t peak_rss_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<int64_t>(usage.ru_maxrss) * 1024;
}

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

Status open_data(RunExtent extent, RunState* run) {
  Result<ScannedData> scanned = scan(run->options, extent == RunExtent::kWhole, run->progress);
  if (!scanned.ok()) return scanned.status();
  run->data = std::move(scanned).value();
  run->problems = run->data.problems;
  return Status();
}

Status open_folder(const std::string& out, RunExtent extent, RunState* run) {
  Json wanted = configuration(run->options);
  wanted["extent"] = extent == RunExtent::kWhole ? "run" : "purify";
  wanted["data_sha256"] = run->data.data_sha256;
  wanted["labels_sha256"] = run->data.labels_sha256;  // for the metrics
  Result<std::unique_ptr<RunFolder>> folder = RunFolder::open(out, wanted);
  if (!folder.ok()) return folder.status();
  run->folder = std::move(folder).value();
  run->folder->notes()["version"] = kVersion;
  return Status();
}

Status open_cache(RunState* run) {
  const RunOptions& options = run->options;
  if (options.feature_cache.empty()) return Status();
  Result<std::unique_ptr<FeatureCache>> cache =
      FeatureCache::open(options.feature_cache, to_json(options.features), options.placement.first());
  if (!cache.ok()) return cache.status();
  run->cache = std::move(cache).value();
  return Status();
}

// What the files of an earlier call have, or else a training.
Result<std::unique_ptr<Model>> make_model(RunExtent extent, bool is_trained, RunState* run) {
  if (!is_trained || extent == RunExtent::kPurify) return train(extent, run);
  run->progress->note(run->folder->path() + ": continuing with the model that is there");
  return Model::load(run->folder->file(kModelFile), run->options.placement.first());
}

Result<Json> run_phases(const std::string& out, RunExtent extent, RunState* state) {
  RunState& run = *state;
  run.clock.begin("reading files");
  ASSAY_RETURN_IF_ERROR(RunFolder::check_writable(out));
  ASSAY_RETURN_IF_ERROR(open_data(extent, state));
  ASSAY_RETURN_IF_ERROR(open_folder(out, extent, state));
  Json& notes = run.folder->notes();
  const bool is_trained = training_is_whole(extent, run);
  if (notes.contains("result") && is_trained && test_results_are_whole(*run.folder)) {
    run.progress->note(out + ": this run is complete, nothing to do");
    return notes["result"];
  }
  ASSAY_RETURN_IF_ERROR(open_cache(state));
  const Result<std::unique_ptr<Model>> model = make_model(extent, is_trained, state);
  if (!model.ok()) return model.status();
  run.folder->discard_unfinished();
  Json result = notes["training"];
  if (extent == RunExtent::kWhole) ASSAY_RETURN_IF_ERROR(evaluate_test_images(*model.value(), state, &result));
  run.clock.end();
  result["seconds"] = run.clock.total();
  result["peak_rss_bytes"] = peak_rss_bytes();
  result["phases"] = run.clock.seconds();
  if (!run.options.placement.on_cpu()) notes["devices"] = device_report(run.options.placement);
  notes["result"] = result;
  ASSAY_RETURN_IF_ERROR(run.folder->write_record());
  return result;
}

}  // namespace

Result<Json> run(const RunOptions& options, const std::string& out, RunExtent extent, Progress* progress) {
  RunState state = {options, progress, {}, {}, {}, {}, nullptr, nullptr};
  try {
    return run_phases(out, extent, &state);
  } catch (const OutOfMemory& shortage) {
    throw Error(shortage.what() + memory_advice(state, shortage));
  }
}

}  // namespace assay::pipeline
