// SPDX-License-Identifier: Apache-2.0
// `assay plan`: what a run will need, before it starts.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <utility>

#include "engine/device/stream.h"
#include "engine/memory/usage.h"
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
  double device_bytes = 0;  // of a GPU, for features
};

// One round over the sampled inputs: each by itself on the CPU's threads, or a batch of each size on the first GPU.
void extract_all(const models::PatchFeatures& extractor, const std::vector<Tensor>& inputs, int64_t batch) {
  if (extractor.device().is_cpu()) {
    parallel_for(static_cast<int64_t>(inputs.size()), 1, [&](int64_t i, int64_t) { extractor.extract(inputs[i]); });
    return;
  }
  std::map<Shape, std::vector<const Tensor*>> by_size;
  for (const Tensor& input : inputs) by_size[input.shape()].push_back(&input);
  for (const auto& [shape, same] : by_size) {
    for (size_t begin = 0; begin < same.size(); begin += static_cast<size_t>(batch)) {
      const size_t end = std::min(same.size(), begin + static_cast<size_t>(batch));
      const Tensor images = Tensor::empty<uint8_t>({static_cast<int64_t>(end - begin), shape[0], shape[1], 3}, "plan");
      for (size_t i = begin; i < end; ++i) {
        const Tensor image = images.rows(static_cast<int64_t>(i - begin), static_cast<int64_t>(i - begin + 1));
        copy(same[i]->reshape(image.shape()), image, current_stream(Device::cpu()));
      }
      extractor.extract(images);
    }
  }
  synchronise(extractor.device());
}

// Times the features of some of the images, spread over the list; with `device_bytes` what that took of the first GPU.
Result<Sample> sample_features(const dataset::Opened& opened, const pipeline::RunOptions& options) {
  const Device device = options.placement.first();
  const auto extractor = pipeline::make_patch_features(options.features, device);
  if (!extractor.ok()) return extractor.status();
  const int64_t count = static_cast<int64_t>(opened.dataset.items.size());
  Sample sample;
  sample.width = extractor.value()->width();
  const int64_t wanted = std::min(count, kSampledImages);
  std::vector<Tensor> loaded(wanted), inputs;
  parallel_for(wanted, 1, [&](int64_t i, int64_t) {
    const std::string path = opened.dataset.path_of(opened.dataset.items[i * count / wanted].id);
    Result<Tensor> input = pipeline::load_input(path, options.features.input_size);
    if (input.ok()) loaded[i] = std::move(input).value();
  });
  for (const Tensor& input : loaded) {
    if (input.size() > 0) inputs.push_back(input);
  }
  sample.images = static_cast<int64_t>(inputs.size());
  if (sample.images == 0) return Status::error(options.data, ": none of ", wanted, " sampled images can be read");
  for (const Tensor& input : inputs) {
    sample.cells_per_image += static_cast<double>(extractor.value()->extract(input).rows.dim(0));
  }
  sample.cells_per_image /= static_cast<double>(sample.images);
  extract_all(*extractor.value(), inputs, options.placement.batch);  // warms up the plans of the sizes that occur
  const auto begun = Clock::now();
  parallel_for(wanted, 1, [&](int64_t i, int64_t) {  // decoding is part of it
    const std::string path = opened.dataset.path_of(opened.dataset.items[i * count / wanted].id);
    (void)pipeline::load_input(path, options.features.input_size).ok();
  });
  const double decoding = seconds_since(begun);
  const auto computing_begun = Clock::now();
  extract_all(*extractor.value(), inputs, options.placement.batch);
  const double computing = seconds_since(computing_begun) / static_cast<double>(options.placement.devices.size());
  // On a GPU the two go on at the same time.
  sample.seconds_per_image =
      (device.is_cpu() ? decoding + computing : std::max(decoding, computing)) / static_cast<double>(sample.images);
  if (!device.is_cpu()) {
    const double at_once = static_cast<double>(std::min(sample.images, options.placement.batch));
    const double fixed = static_cast<double>(memory_usage(device)["conv_graph weights"].peak_bytes);
    const double peak = static_cast<double>(total_memory_usage(device).peak_bytes);
    // Two threads feed a GPU, each with a batch in work.
    sample.device_bytes = fixed + 2 * (peak - fixed) / at_once * static_cast<double>(options.placement.batch);
  }
  return sample;
}

// Floating-point operations per second of the search of a memory bank, on a small one.
double search_rate(int64_t width, Device device) {
  constexpr int64_t kQueries = 1024, kRows = 8192;
  const Tensor queries = Tensor::zeros<float>({kQueries, width}, "plan", device);
  const ops::PackedBank bank(Tensor::zeros<float>({kRows, width}, "plan", device));
  ops::nearest_neighbour(queries, bank);
  synchronise(device);
  const auto begun = Clock::now();
  ops::nearest_neighbour(queries, bank);
  synchronise(device);
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
  const double search_seconds = searches * s.cells_per_image * references * 2 * width /
                                search_rate(s.width, o.placement.first()) /
                                static_cast<double>(o.placement.devices.size());
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
  // Features, and beside them a bank of all references: as rows, and packed for the search.
  const double device_bytes = s.device_bytes + (is_bank ? references * (2 * width + 1) * sizeof(float) : 0);
  std::vector<std::string> devices;
  for (const Device& device : o.placement.devices) devices.push_back(describe(device));
  plan["devices"] = devices;
  if (!o.placement.on_cpu()) plan["device_bytes"] = static_cast<int64_t>(device_bytes);
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
  for (const std::string& device : devices) std::printf("  on %s\n", device.c_str());
  if (!o.placement.on_cpu()) std::printf("  %-28s %10.0f MiB\n", "memory of each GPU", mebibytes(device_bytes));
  std::printf("  %-28s %10.1f s\n", "features", feature_seconds);
  if (is_bank) std::printf("  %-28s %10.1f s\n", "searches of memory banks", search_seconds);
  return kDone;
}

}  // namespace assay::tools
