// SPDX-License-Identifier: Apache-2.0
// Single stage, two stages in many variants, and a bank of the truly normal images, side by side on lists with hidden
// anomalies. Features are computed once for all of it. Labels are used for the rows `clean` and for the figures only.
//
//   bazel run //tools/compare -- --root DIR --csv FILE [--seeds N] [--quick] LIST...
//
// One csv row per list, seed and variant. Rows that FILE has already are not computed again.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/ops/resize.h"
#include "kernels/base/parallel.h"
#include "pipeline/data/image.h"
#include "pipeline/dataset/open.h"
#include "pipeline/features/image_features.h"
#include "pipeline/metrics/metrics.h"
#include "pipeline/model/feature_recipe.h"
#include "pipeline/run/audit.h"
#include "pipeline/stage2/cross_fit.h"
#include "tools/assay/console_progress.h"
#include "tools/assay/flags.h"
#include "tools/compare/variants.h"

namespace assay::tools {
namespace {

using pipeline::Stage1Result;

// Some images of a source as a source of their own.
class FeatureView : public models::FeatureSource {
 public:
  FeatureView(const models::FeatureSource& all, std::vector<int64_t> images) : all_(all), images_(std::move(images)) {}
  int64_t num_images() const override { return static_cast<int64_t>(images_.size()); }
  int64_t feature_width() const override { return all_.feature_width(); }
  models::FeatureGrid read(int64_t image) const override { return all_.read(images_.at(image)); }
  models::FeatureGrid shape(int64_t image) const override { return all_.shape(images_.at(image)); }
  uint64_t content_key(int64_t image) const override { return all_.content_key(images_.at(image)); }

 private:
  const models::FeatureSource& all_;
  const std::vector<int64_t> images_;
};

// What a list is to the comparison.
struct List {
  std::string name;
  std::vector<int64_t> train, test;  // places in the features
  std::vector<uint8_t> train_label, test_label;
  std::vector<Tensor> test_mask;  // at the input's size; no elements: no defect
};

struct Figures {
  Metrics metrics;
  double stage1_auroc = -1, alpha_kept = -1, alpha_estimated = -1, patches_cut = 0;
  int64_t num_kept = 0;
};

// How well an order, the most suspicious first, puts anomalous images before normal ones.
double ranking_auroc(const std::vector<int64_t>& order, const std::vector<uint8_t>& labels) {
  std::vector<float> scores(order.size());
  for (size_t place = 0; place < order.size(); ++place) scores[order[place]] = -static_cast<float>(place);
  return rank_metrics(scores.data(), labels.data(), static_cast<int64_t>(scores.size())).auroc.value_or(-1);
}

class Comparison {
 public:
  Comparison(const pipeline::ImageFeatures& features, const std::string& spill_folder,
             const pipeline::ScoringRule& scoring)
      : features_(features), spill_folder_(spill_folder), scoring_(scoring) {}

  Figures run(const List& list, const Variant& variant, uint64_t seed) {
    const FeatureView train(features_, list.train);
    const pipeline::DetectorFactory make = [&](Device) {
      return models::make_detector("patchcore", variant.detector).value();
    };
    const pipeline::DetectorFactory make_first = [](Device) { return models::make_detector("patchcore").value(); };
    Figures figures;
    Stage1Result stage1;
    stage1.selection.kept.assign(list.train.size(), 1);
    if (variant.kind == Variant::Kind::kClean) {
      for (size_t i = 0; i < list.train.size(); ++i) stage1.selection.kept[i] = list.train_label[i] == 0;
    } else if (variant.kind == Variant::Kind::kTwoStage) {
      pipeline::Stage1Options options = variant.stage1;
      options.seed = seed;
      options.scoring = scoring_;
      stage1 = pipeline::run_stage1(train, table(list, make_first, seed), make_first, options, &progress_).value();
      figures.stage1_auroc = ranking_auroc(pipeline::most_suspicious_first(stage1), list.train_label);
      figures.alpha_estimated = stage1.selection.alpha.alpha;
    }
    audit(list, stage1.selection.kept, &figures);
    figures.patches_cut = pipeline::share_of_patches_cut(train, stage1);
    const std::vector<int64_t> images = pipeline::images_of_stage2(stage1);
    const std::unique_ptr<models::Detector> detector = make(Device::cpu());
    pipeline::fit_detector(*detector, train, images, stage1.excluded, {models::Schedule::kFinal, seed, nullptr});
    figures.metrics = score(list, *detector);
    return figures;
  }

 private:
  // Made once for a list and a seed.
  const pipeline::DistanceTable* table(const List& list, const pipeline::DetectorFactory& make, uint64_t seed) {
    const std::string key = list.name + " " + std::to_string(seed);
    if (key != table_key_) {
      const FeatureView train(features_, list.train);
      pipeline::Stage1Options options;
      options.seed = seed;
      options.spill_folder = spill_folder_;
      table_ = pipeline::make_distance_table(train, make, options, &progress_).value();
      table_key_ = key;
    }
    return table_.get();
  }

  static void audit(const List& list, const std::vector<uint8_t>& kept, Figures* figures) {
    int64_t anomalous = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      figures->num_kept += kept[i];
      anomalous += kept[i] && list.train_label[i];
    }
    figures->alpha_kept = static_cast<double>(anomalous) / static_cast<double>(figures->num_kept);
  }

  Metrics score(const List& list, const models::Detector& detector) {
    const int64_t count = static_cast<int64_t>(list.test.size());
    std::vector<Tensor> maps(count);
    std::vector<float> scores(count);
    parallel_for(count, 1, [&](int64_t i, int64_t) {
      const models::FeatureGrid grid = features_.read(list.test[i]);
      maps[i] = models::anomaly_map(detector.score(grid), grid.image_height, grid.image_width, scoring_.sigma);
      scores[i] = static_cast<float>(models::image_score(maps[i], scoring_.image_score));
    });
    std::vector<PixelView> views;
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* mask = list.test_mask[i].size() > 0 ? list.test_mask[i].data<uint8_t>() : nullptr;
      views.push_back({maps[i].data<float>(), mask, maps[i].dim(0), maps[i].dim(1)});
    }
    return compute_metrics(scores, list.test_label, views);
  }

  const pipeline::ImageFeatures& features_;
  const std::string spill_folder_;
  const pipeline::ScoringRule scoring_;
  pipeline::Progress progress_;
  std::string table_key_;
  std::unique_ptr<pipeline::DistanceTable> table_;
};

Result<List> load_list(const std::string& name, const dataset::Opened& opened, const pipeline::ImageFeatures& features,
                       const std::map<std::string, int64_t>& place_of) {
  List list;
  list.name = name;
  for (const dataset::Item& item : opened.dataset.items) {
    const auto place = place_of.find(item.id);
    if (place == place_of.end()) continue;
    const dataset::Truth& truth = opened.truth.of(item.id);
    const bool is_train = item.split == dataset::Split::kTrain;
    (is_train ? list.train : list.test).push_back(place->second);
    (is_train ? list.train_label : list.test_label).push_back(static_cast<uint8_t>(truth.label == 1));
    if (is_train) continue;
    Tensor mask;
    if (truth.label == 1) {
      const Result<data::Mask> read = data::read_mask(opened.dataset.path_of(truth.mask));
      if (!read.ok()) return read.status();
      const models::FeatureGrid shape = features.shape(place->second);
      mask = ops::nearest_resize(read.value().pixels, shape.image_height, shape.image_width);
    }
    list.test_mask.push_back(mask);
  }
  return list;
}

std::string row_key(const std::string& list, uint64_t seed, const std::string& variant) {
  return list + "," + std::to_string(seed) + "," + variant + ",";
}

std::set<std::string> rows_in(const std::string& path) {
  std::set<std::string> keys;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    size_t end = 0;
    for (int commas = 0; commas < 3 && end != std::string::npos; ++commas) end = line.find(',', end) + 1;
    keys.insert(line.substr(0, end));
  }
  return keys;
}

const std::vector<Flag> kFlags = {
    {"root", FlagType::kText, "", "DIR", 0, 0, "folder that the lists' paths are relative to"},
    {"csv", FlagType::kText, "compare.csv", "FILE", 0, 0, "rows are appended here"},
    {"seeds", FlagType::kInt, "3", "N", 1, 100, "seeds 0 to N - 1"},
    {"image-score", FlagType::kText, "top:0.01", "RULE", 0, 0, "as for assay run"},
    {"quick", FlagType::kBool, "false", "", 0, 0, "only the baselines and the default"},
};

int fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return 1;
}

int compare(const Flags& flags) {
  const std::string& csv = flags.text("csv");
  ConsoleProgress progress(/*quiet=*/false);
  std::vector<dataset::Opened> opened;
  std::map<std::string, pipeline::ImageFile> files;
  for (const std::string& path : flags.operands()) {
    auto list = dataset::open_dataset(path, {dataset::Kind::kAuto, flags.text("root"), ""});
    if (!list.ok()) return fail(list.message());
    for (const dataset::Item& item : list.value().dataset.items) {
      files[item.id] = {item.id, list.value().dataset.path_of(item.id)};
    }
    opened.push_back(std::move(list).value());
  }
  std::vector<pipeline::ImageFile> all;
  for (const auto& [id, file] : files) all.push_back(file);
  const auto hashed = pipeline::hash_files(all, &progress);
  if (!hashed.ok()) return fail(hashed.message());
  const pipeline::FeatureRecipe recipe = pipeline::default_feature_recipe();
  const auto extractor = pipeline::make_patch_features(recipe);
  if (!extractor.ok()) return fail(extractor.message());
  const std::string spill_folder = ".";
  const auto features = pipeline::ImageFeatures::compute(
      hashed.value().images, *extractor.value(), {recipe.input_size, int64_t{4} << 30, spill_folder}, &progress);
  if (!features.ok()) return fail(features.message());
  std::map<std::string, int64_t> place_of;
  for (int64_t i = 0; i < features.value()->num_images(); ++i) {
    for (const std::string& id : features.value()->image(i).ids) place_of[id] = i;
  }
  std::set<std::string> done = rows_in(csv);
  std::ofstream out(csv, std::ios::app);
  if (!out) return fail(csv + ": cannot be written");
  if (done.empty()) {
    out << "list,seed,variant,image_auroc,pixel_auroc,pixel_aupro,stage1_auroc,alpha_kept,alpha_estimated,n_kept,"
           "patches_cut\n";
  }
  pipeline::ScoringRule scoring;
  const auto image_score = models::ImageScoreRule::from_name(flags.text("image-score"));
  if (!image_score.ok()) return fail(image_score.message());
  scoring.image_score = image_score.value();
  Comparison comparison(*features.value(), spill_folder, scoring);
  const std::vector<Variant> variants = flags.boolean("quick") ? quick_variants() : all_variants();
  for (const dataset::Opened& o : opened) {
    const auto list = load_list(o.dataset.name, o, *features.value(), place_of);
    if (!list.ok()) return fail(list.message());
    for (uint64_t seed = 0; seed < static_cast<uint64_t>(flags.integer("seeds")); ++seed) {
      for (const Variant& variant : variants) {
        const std::string key = row_key(o.dataset.name, seed, variant.name);
        if (!done.insert(key).second) continue;
        const Figures f = comparison.run(list.value(), variant, seed);
        char row[256];
        std::snprintf(row, sizeof row, "%.5f,%.5f,%.5f,%.5f,%.5f,%.5f,%lld,%.5f", f.metrics.image_auroc.value_or(-1),
                      f.metrics.pixel_auroc.value_or(-1), f.metrics.pixel_aupro.value_or(-1), f.stage1_auroc,
                      f.alpha_kept, f.alpha_estimated, static_cast<long long>(f.num_kept), f.patches_cut);
        out << key << row << std::endl;
      }
    }
  }
  return 0;
}

int run_main(int argc, char** argv) {
  const auto flags = Flags::parse(kFlags, {argv + 1, argv + argc});
  if (!flags.ok() || flags.value().operands().empty()) {
    std::fprintf(stderr, "%s\nusage: compare [flags] LIST...\n%s", flags.ok() ? "" : flags.message().c_str(),
                 help_text(kFlags).c_str());
    return 2;
  }
  return compare(flags.value());
}

}  // namespace
}  // namespace assay::tools

int main(int argc, char** argv) { return assay::tools::run_main(argc, argv); }
