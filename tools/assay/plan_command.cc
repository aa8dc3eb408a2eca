// SPDX-License-Identifier: Apache-2.0
// `assay plan`: what a run will need, before it starts.
#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "engine/device/stream.h"
#include "engine/memory/storage.h"
#include "engine/memory/usage.h"
#include "engine/ops/nearest_neighbour.h"
#include "kernels/base/parallel.h"
#include "pipeline/data/image.h"
#include "pipeline/dataset/open.h"
#include "pipeline/devices/batch_advice.h"
#include "pipeline/features/image_features.h"
#include "pipeline/run/memory_needs.h"
#include "pipeline/run/run.h"
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
  int64_t host_bytes = 0;       // of the CPU's threads, for images and features in work
  double device_bytes = 0;      // of a GPU, for features
  int64_t batch_that_fits = 0;  // a GPU, beside the references; --batch at most
  models::FeatureGrid grid;     // of one image
};

// Which batch fits beside `bank_bytes` of references.
int64_t batch_that_fits(const models::PatchFeatures& extractor, const Tensor& input, int64_t batch,
                        int64_t bank_bytes) {
  constexpr int kThreadsPerDevice = 2;  // as in run_in_batches
  constexpr int64_t kMapsAtOnce = 3;    // of the detector, drawn over the image, and blurred
  const Device device = extractor.device();
  std::optional<Storage> bank;
  try {
    bank.emplace(static_cast<size_t>(bank_bytes), "memory bank", device);
  } catch (const OutOfMemory&) {
    return 0;
  }
  return pipeline::largest_batch(device, batch, kThreadsPerDevice, [&](int64_t n) {
    extractor.release_workspaces();
    const Tensor images = Tensor::zeros<uint8_t>({n, input.dim(0), input.dim(1), 3}, "plan", device);
    (void)extractor.extract(images);
    (void)Tensor::empty<float>({kMapsAtOnce, n, input.dim(0), input.dim(1)}, "maps", device);
    extractor.release_workspaces();
  });
}

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

pipeline::MemoryNeeds needs_of(const dataset::Opened& opened, const pipeline::RunOptions& options,
                               const Sample& sample) {
  const auto num_train = opened.dataset.ids(dataset::Split::kTrain).size();
  return pipeline::memory_needs(options, static_cast<int64_t>(num_train), sample.cells_per_image, sample.width);
}

// Times the features of some of the images, spread over the list, and what they take of memory.
Result<Sample> sample_features(const dataset::Opened& opened, const pipeline::RunOptions& options) {
  const Device device = options.placement.first();
  const auto extractor = pipeline::make_patch_features(options.features, device);
  if (!extractor.ok()) return extractor.status();
  const int64_t count = static_cast<int64_t>(opened.dataset.items.size());
  Sample sample;
  sample.width = extractor.value()->width();
  const MemoryMeter host(Device::cpu());
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
    sample.grid = extractor.value()->extract(input);
    sample.cells_per_image += static_cast<double>(sample.grid.rows.dim(0));
  }
  sample.cells_per_image /= static_cast<double>(sample.images);
  int64_t batch = options.placement.batch;
  if (!device.is_cpu()) {
    sample.batch_that_fits =
        batch_that_fits(*extractor.value(), inputs.front(), batch, needs_of(opened, options, sample).bank_bytes);
    batch = std::max<int64_t>(1, sample.batch_that_fits);
  }
  const double lasting = static_cast<double>(total_memory_usage(device).live_bytes);  // weights
  const MemoryMeter beside_weights(device);
  extract_all(*extractor.value(), inputs, batch);  // warms up the plans of the sizes that occur
  const auto begun = Clock::now();
  parallel_for(wanted, 1, [&](int64_t i, int64_t) {  // decoding is part of it
    const std::string path = opened.dataset.path_of(opened.dataset.items[i * count / wanted].id);
    (void)pipeline::load_input(path, options.features.input_size).ok();
  });
  const double decoding = seconds_since(begun);
  const auto computing_begun = Clock::now();
  extract_all(*extractor.value(), inputs, batch);
  const double computing = seconds_since(computing_begun) / static_cast<double>(options.placement.devices.size());
  // On a GPU the two go on at the same time.
  sample.seconds_per_image =
      (device.is_cpu() ? decoding + computing : std::max(decoding, computing)) / static_cast<double>(sample.images);
  sample.host_bytes = host.peak_bytes();
  if (!device.is_cpu()) {
    const double at_once = static_cast<double>(std::min(sample.images, batch));
    const double peak = static_cast<double>(beside_weights.peak_bytes());
    // Two threads feed a GPU, each with a batch in work.
    sample.device_bytes = lasting + 2 * peak / at_once * static_cast<double>(options.placement.batch);
  }
  return sample;
}

// Floating-point operations per second of the search of a memory bank, on a small one.
double search_rate(int64_t width, Device device) {
  constexpr int64_t kQueries = 1024, kRows = 8192;
  const Tensor queries = Tensor::zeros<float>({kQueries, width}, "plan", device);
  // In float32, as stage 1 searches: zeros are all alike, and bytes cannot tell them apart.
  const ops::PackedBank bank(Tensor::zeros<float>({kRows, width}, "plan", device), "plan",
                             ops::PackedBank::Bytes::kNone);
  ops::nearest_neighbour(queries, bank);
  synchronise(device);
  const auto begun = Clock::now();
  ops::nearest_neighbour(queries, bank);
  synchronise(device);
  return 2.0 * kQueries * kRows * static_cast<double>(width) / seconds_since(begun);
}

// One image's features many times over: full batches, as a training on many images has.
class OneImageRepeated : public models::FeatureSource {
 public:
  OneImageRepeated(const models::FeatureGrid& grid, int64_t num_images) : grid_(grid), num_images_(num_images) {
    grid_.rows = grid_.rows.to(Device::cpu(), "plan");
    if (models::has_prefix(grid_)) grid_.prefix = grid_.prefix.to(Device::cpu(), "plan");
  }
  int64_t num_images() const override { return num_images_; }
  int64_t feature_width() const override { return grid_.rows.dim(1); }
  models::FeatureGrid read(int64_t) const override { return grid_; }
  uint64_t content_key(int64_t image) const override { return static_cast<uint64_t>(image); }

 private:
  models::FeatureGrid grid_;
  int64_t num_images_;
};

// Lets a training take some steps and times all but the first, which is slower than those that follow.
class StepTimer : public models::TrainingObserver {
 public:
  bool after_step(const models::TrainingInCourse& training) override {
    constexpr int64_t kTimedSteps = 3;
    synchronise(training.detector().device());
    if (training.steps_done() == 1) begun_ = Clock::now();
    const int64_t timed = training.steps_done() - 1;
    if (timed > 0) seconds_per_step_ = seconds_since(begun_) / static_cast<double>(timed);
    return timed < kTimedSteps;
  }
  double seconds_per_step() const { return seconds_per_step_; }

 private:
  Clock::time_point begun_;
  double seconds_per_step_ = 0;
};

// Of a training of the named detector on images like the sampled one; 0 where it does not train.
double seconds_per_step(const std::string& detector, const pipeline::RunOptions& options, const Sample& sample) {
  constexpr int64_t kMoreThanABatch = 256;
  const Device device = options.placement.first();
  const auto trained = models::make_detector(detector, options.detector_options, device).value();
  if (!trained->trains()) return 0;
  const OneImageRepeated features(sample.grid, kMoreThanABatch);
  std::vector<int64_t> images(kMoreThanABatch);
  std::iota(images.begin(), images.end(), 0);
  StepTimer timer;
  models::FitOptions how;
  how.observer = &timer;
  try {
    trained->fit(features, images, how);
  } catch (const models::Cancelled&) {  // the timer has seen enough
  }
  return timer.seconds_per_step();
}

using Plan = nlohmann::ordered_json;

Plan make_plan(const dataset::Opened& opened, const pipeline::RunOptions& o, const Sample& s) {
  const double num_train = static_cast<double>(opened.dataset.ids(dataset::Split::kTrain).size());
  const double num_test = static_cast<double>(opened.dataset.ids(dataset::Split::kTest).size());
  const pipeline::MemoryNeeds needs = needs_of(opened, o, s);
  // Of the host's memory, what lies beside features and distances.
  const int64_t beside = s.host_bytes + (o.placement.on_cpu() ? pipeline::kBanksAtOnce * needs.bank_bytes : 0);
  const int64_t host_free = free_memory_bytes(Device::cpu());
  const int64_t limit = pipeline::largest_memory_limit(needs, host_free - beside);
  const int64_t cached = pipeline::cached_bytes(needs, o.memory_limit);
  Plan plan = {{"n_train", static_cast<int64_t>(num_train)},
               {"n_test", static_cast<int64_t>(num_test)},
               {"patches_per_image", s.cells_per_image},
               {"feature_bytes", needs.feature_bytes},
               {"distance_table_bytes", needs.table_bytes},
               {"memory_limit_bytes", o.memory_limit},
               {"host_bytes", cached + beside},
               {"host_free_bytes", host_free},
               {"memory_limit_that_fits_bytes", limit},  // 0: none does
               {"memory_limit_fits", pipeline::cached_bytes(needs, limit) >= cached},
               {"features_seconds", (num_train + num_test) * s.seconds_per_image}};
  if (o.detector == "patchcore") {
    const double references = num_train * s.cells_per_image * o.detector_options.patchcore.space.reference_share;
    const double width = static_cast<double>(std::min(s.width, o.detector_options.patchcore.space.width));
    // Each patch of each image against every reference: stage 1, calibration, and the test images.
    const double searches = (o.single_stage ? 1 : 2) * num_train + num_test;
    plan["search_seconds"] = searches * s.cells_per_image * references * 2 * width /
                             search_rate(s.width, o.placement.first()) /
                             static_cast<double>(o.placement.devices.size());
  }
  const pipeline::TrainingSteps steps = pipeline::training_steps(o);
  if (steps.stage1 + steps.stage2 > 0) {
    const std::string first = pipeline::first_detector(o);
    const double last_seconds = seconds_per_step(o.detector, o, s);
    const double first_seconds = first == o.detector ? last_seconds : seconds_per_step(first, o, s);
    plan["training_steps"] = steps.stage1 + steps.stage2;
    // Of one device; those of sub-models and folds may have one each.
    plan["training_seconds"] =
        static_cast<double>(steps.stage1) * first_seconds + static_cast<double>(steps.stage2) * last_seconds;
  }
  plan["devices"] = Plan::array();
  for (const Device& device : o.placement.devices) plan["devices"].push_back(describe(device));
  if (!o.placement.on_cpu()) {
    // Features, and beside them a bank of all references: as rows, and packed for the search.
    plan["device_bytes"] = static_cast<int64_t>(s.device_bytes) + needs.bank_bytes;
    plan["batch"] = o.placement.batch;
    plan["batch_that_fits"] = s.batch_that_fits;  // 0: none does
  }
  return plan;
}

void print_bytes(const char* what, const Plan& bytes, const std::string& remark = "") {
  std::printf("  %-28s %10.0f MiB%s%s\n", what, bytes.get<double>() / (1 << 20), remark.empty() ? "" : "  ",
              remark.c_str());
}

void print_seconds(const char* what, const Plan& seconds) {
  std::printf("  %-28s %10.1f s\n", what, seconds.get<double>());
}

void print_plan(const Plan& plan) {
  std::printf("%" PRId64 " training and %" PRId64 " test images, about %.0f patches each\n",
              plan["n_train"].get<int64_t>(), plan["n_test"].get<int64_t>(), plan["patches_per_image"].get<double>());
  print_bytes("features", plan["feature_bytes"]);
  if (plan["distance_table_bytes"] > 0) print_bytes("table of distances", plan["distance_table_bytes"]);
  print_bytes("memory limit", plan["memory_limit_bytes"], "(what exceeds it goes to a file in RUN)");
  print_bytes("memory of the host", plan["host_bytes"],
              text("(of ", plan["host_free_bytes"].get<int64_t>() >> 20, " MiB that are free)"));
  if (!plan["memory_limit_fits"].get<bool>()) {
    const int64_t fits = plan["memory_limit_that_fits_bytes"].get<int64_t>() >> 20;
    std::printf("  %s\n", fits > 0 ? text("that is too much: --memory-limit=", fits, "M fits").c_str()
                                   : "that is too much under any --memory-limit: see --image-size");
  }
  for (const auto& device : plan["devices"]) std::printf("  on %s\n", device.get<std::string>().c_str());
  if (plan.contains("device_bytes")) {
    print_bytes("memory of each GPU", plan["device_bytes"]);
    const int64_t fits = plan["batch_that_fits"].get<int64_t>();
    if (fits < plan["batch"].get<int64_t>()) {
      std::printf("  %s\n", fits > 0 ? text("that is too much: --batch=", fits, " fits").c_str()
                                     : "that is too much for any --batch: see --image-size and --reference-share");
    }
  }
  print_seconds("features", plan["features_seconds"]);
  if (plan.contains("search_seconds")) print_seconds("searches of memory banks", plan["search_seconds"]);
  if (plan.contains("training_seconds")) {
    print_seconds(text(plan["training_steps"].get<int64_t>(), " steps of training").c_str(), plan["training_seconds"]);
  }
}

}  // namespace

std::vector<Flag> plan_command_flags() { return join({data_flags(), training_flags(), common_flags()}); }

int plan_command(const Flags& flags) {
  const auto options = run_options(flags.operands()[0], flags);
  if (!options.ok()) return fail_usage(options.message());
  const auto opened = dataset::open_dataset(options.value().data, options.value().dataset);
  if (!opened.ok()) return fail(opened.message());
  const auto sampled = sample_features(opened.value(), options.value());
  if (!sampled.ok()) return fail(sampled.message());
  const Plan plan = make_plan(opened.value(), options.value(), sampled.value());
  if (flags.boolean("json")) {
    std::printf("%s\n", plan.dump(2).c_str());
  } else {
    print_plan(plan);
  }
  return kDone;
}

}  // namespace assay::tools
