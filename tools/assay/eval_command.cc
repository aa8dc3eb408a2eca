// SPDX-License-Identifier: Apache-2.0
// `assay eval`: metrics of a model on the labelled test images of a data set.
#include <cstdio>

#include "pipeline/dataset/open.h"
#include "pipeline/evaluation/evaluate.h"
#include "tools/assay/command.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {

std::vector<Flag> eval_command_flags() { return join({data_flags(), common_flags()}); }

int eval_command(const Flags& flags) {
  const auto where = placement(flags);
  if (!where.ok()) return fail(where.message());
  const auto model = pipeline::Model::load(flags.operands()[0], where.value().first());
  if (!model.ok()) return fail(model.message());
  const auto opened = dataset::open_dataset(flags.operands()[1], dataset_options(flags));
  if (!opened.ok()) return fail(opened.message());
  std::vector<pipeline::ImageFile> files;
  for (const std::string& id : opened.value().dataset.ids(dataset::Split::kTest)) {
    files.push_back({id, opened.value().dataset.path_of(id)});
  }
  if (files.empty()) return fail(flags.operands()[1] + ": holds no test images");
  ConsoleProgress progress(flags.boolean("quiet"));
  const auto evaluated = pipeline::evaluate(*model.value(), files, opened.value(), &progress, where.value());
  if (!evaluated.ok()) return fail(evaluated.message());
  const pipeline::Evaluation& e = evaluated.value();
  if (flags.boolean("strict") && !e.skipped.empty()) return fail(e.skipped[0].reason + " (--strict)");
  for (const pipeline::SkippedFile& s : e.skipped) progress.note("left out: " + s.id + ": " + s.reason);
  if (!e.has_labels) return fail(flags.operands()[1] + ": no test image has a label, so there is nothing to measure");
  nlohmann::ordered_json result = to_json(e.metrics);
  int64_t false_alarms = 0, missed = 0, normal = 0, anomalous = 0;
  for (const pipeline::ImageResult& image : e.images) {
    normal += image.label == 0;
    anomalous += image.label == 1;
    false_alarms += image.label == 0 && image.anomalous;
    missed += image.label == 1 && !image.anomalous;
  }
  result["n_test"] = e.images.size();
  result["n_normal"] = normal;
  result["n_anomalous"] = anomalous;
  result["n_false_alarms"] = false_alarms;
  result["n_missed"] = missed;
  std::printf("%s\n", result.dump(2).c_str());
  return kDone;
}

}  // namespace assay::tools
