// SPDX-License-Identifier: Apache-2.0
// `assay plan`: what a run will need, before it starts.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "engine/ops/nearest_neighbour.h"
#include "kernels/base/parallel.h"
#include "pipeline/data/image.h"
#include "pipeline/dataset/open.h"
#include "pipeline/features/image_features.h"
#include "tools/assay/command.h"
#include "tools/assay/run_flags.h"

namespace assay::tools {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }

constexpr int64_t kSampledImages = 16;  // timed for the estimate

struct Sample {
  int64_t images = 0;
  double seconds_per_image = 0;
  double cells_per_image = 0;
  int64_t width = 0;
};

// Times the features of some of the images, spread over the list.
Result<Sample> sample_features(const dataset::Opened& opened, const pipeline::RunOptions& options) {
  const auto extractor = pipeline::make_patch_features(options.features);
  if (!extractor.ok()) return extractor.status();
  const int64_t count = static_cast<int64_t>(opened.dataset.items.size());
  Sample sample;
  sample.width = extractor.value()->width();
  const int64_t wanted = std::min(count, kSampledImages);
  std::vector<int64_t> cells(wanted, 0);
  const auto extract = [&](int64_t i) {
    const std::string path = opened.dataset.path_of(opened.dataset.items[i * count / wanted].id);
    const Result<Tensor> input = pipeline::load_input(path, options.features.input_size);
    if (input.ok()) cells[i] = extractor.value()->extract(input.value()).rows.dim(0);
  };
  parallel_for(wanted, 1, [&](int64_t i, int64_t) { extract(i); });  // warms up the plans of the sizes that occur
  const auto begun = Clock::now();
  parallel_for(wanted, 1, [&](int64_t i, int64_t) { extract(i); });
  const double seconds = seconds_since(begun);
  for (const int64_t c : cells) {
    sample.images += c > 0;
    sample.cells_per_image += static_cast<double>(c);
  }
  if (sample.images == 0) return Status::error(options.data, ": none of ", wanted, " sampled images can be read");
  sample.cells_per_image /= static_cast<double>(sample.images);
  sample.seconds_per_image = seconds / static_cast<double>(sample.images);
  return sample;
}

// Floating-point operations per second of the search of a memory bank, on a small one.
double search_rate(int64_t width) {
  constexpr int64_t kQueries = 1024, kRows = 8192;
  const Tensor queries = Tensor::zeros<float>({kQueries, width}, "plan");
  const ops::PackedBank bank(Tensor::zeros<float>({kRows, width}, "plan"));
  ops::nearest_neighbour(queries, bank);
  const auto begun = Clock::now();
  ops::nearest_neighbour(queries, bank);
  return 2.0 * kQueries * kRows * static_cast<double>(width) / seconds_since(begun);
}

}  // namespace

std::vector<Flag> plan_command_flags() { return join({data_flags(), training_flags(), common_flags()}); }

int plan_command(const Flags& flags) {
  const auto options = run_options(flags.operands()[0], flags);
  if (!options.ok()) return fail_usage(options.message());
  const pipeline::RunOptions& o = options.value();
  const auto opened = dataset::open_dataset(o.data, o.dataset);
  if (!opened.ok()) return fail(opened.message());
  const double num_train = static_cast<double>(opened.value().dataset.ids(dataset::Split::kTrain).size());
  const double num_test = static_cast<double>(opened.value().dataset.ids(dataset::Split::kTest).size());
  const auto sampled = sample_features(opened.value(), o);
  if (!sampled.ok()) return fail(sampled.message());
  const Sample& s = sampled.value();

  const double feature_bytes = num_train * s.cells_per_image * static_cast<double>(s.width) * sizeof(Float16);
  const double table_bytes = num_train * s.cells_per_image * num_train * sizeof(Float16);
  const double references = num_train * s.cells_per_image * o.detector_options.patchcore.space.reference_share;
  const double width = static_cast<double>(std::min(s.width, o.detector_options.patchcore.space.width));
  // Each patch of each image against every reference: stage 1, calibration, and the test images.
  const double searches = (o.single_stage ? 1 : 2) * num_train + num_test;
  const double search_seconds = searches * s.cells_per_image * references * 2 * width / search_rate(s.width);
  const double feature_seconds = (num_train + num_test) * s.seconds_per_image;
  const bool is_bank = o.detector == "patchcore";
  nlohmann::ordered_json plan = {
      {"n_train", static_cast<int64_t>(num_train)},
      {"n_test", static_cast<int64_t>(num_test)},
      {"patches_per_image", s.cells_per_image},
      {"feature_bytes", static_cast<int64_t>(feature_bytes)},
      {"distance_table_bytes", is_bank && !o.single_stage ? static_cast<int64_t>(table_bytes) : 0},
      {"memory_limit_bytes", o.memory_limit},
      {"features_seconds", feature_seconds}};
  if (is_bank) plan["search_seconds"] = search_seconds;
  if (flags.boolean("json")) {
    std::printf("%s\n", plan.dump(2).c_str());
    return kDone;
  }
  const auto mebibytes = [](double bytes) { return bytes / (1 << 20); };
  std::printf("%.0f training and %.0f test images, about %.0f patches each\n", num_train, num_test, s.cells_per_image);
  std::printf("  %-28s %10.0f MiB\n", "features", mebibytes(feature_bytes));
  if (is_bank && !o.single_stage) std::printf("  %-28s %10.0f MiB\n", "table of distances", mebibytes(table_bytes));
  std::printf("  %-28s %10.0f MiB  (what exceeds it goes to a file in RUN)\n", "memory limit",
              mebibytes(static_cast<double>(o.memory_limit)));
  std::printf("  %-28s %10.1f s\n", "features", feature_seconds);
  if (is_bank) std::printf("  %-28s %10.1f s\n", "searches of memory banks", search_seconds);
  return kDone;
}

}  // namespace assay::tools
