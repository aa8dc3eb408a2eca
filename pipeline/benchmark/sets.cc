// SPDX-License-Identifier: Apache-2.0
#include "pipeline/benchmark/sets.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <set>
#include <tuple>
#include <utility>

#include "pipeline/dataset/sources.h"

namespace assay::pipeline {
namespace {

using dataset::Split;

constexpr double kSameAlpha = 1e-6;

struct Named {
  std::string category;
  std::optional<double> alpha;
};

// "magnetic_tile_alpha0.1" says both; a list in a folder "..fuiad_0.1" is of that alpha.
Named named(const std::string& path, const std::string& name) {
  static const std::regex in_name("(.+?)[_-]alpha_?([0-9]+(\\.[0-9]+)?)");
  static const std::regex in_folder(".*fuiad_([0-9]+(\\.[0-9]+)?)");
  std::smatch match;
  if (std::regex_match(name, match, in_name)) return {match[1], std::strtod(match[2].str().c_str(), nullptr)};
  const std::string folder = std::filesystem::path(path).parent_path().filename().string();
  if (std::regex_match(folder, match, in_folder)) return {name, std::strtod(match[1].str().c_str(), nullptr)};
  return {name, std::nullopt};
}

// Share of anomalous images among all training images.
Result<double> measured_alpha(const dataset::Opened& opened, const std::string& path) {
  for (const dataset::Item& item : opened.dataset.items) {
    if (opened.truth.of(item.id).label < 0) {
      return Status::error(path, ": ", to_string(item.split), " image '", item.id,
                           "' has no label; a benchmark needs all labels, for its metrics and its audit alone");
    }
  }
  const SetCounts n = count_images(opened);
  const int64_t num_train = n.train_normal + n.train_anomalous;
  if (num_train == 0) return Status::error(path, ": holds no training images");
  if (n.test_normal == 0 || n.test_anomalous == 0) {
    return Status::error(path, ": ", n.test_normal, " normal and ", n.test_anomalous,
                         " anomalous test images, a benchmark needs both kinds");
  }
  return static_cast<double>(n.train_anomalous) / static_cast<double>(num_train);
}

bool is_wanted(double alpha, const std::vector<double>& wanted) {
  return wanted.empty() ||
         std::any_of(wanted.begin(), wanted.end(), [alpha](double w) { return std::abs(w - alpha) < kSameAlpha; });
}

// The sets that one source stands for, of whatever category.
Result<std::vector<BenchmarkSet>> sets_of(const dataset::Source& source, const SetRequest& request) {
  const Result<dataset::Opened> opened = dataset::open_dataset(source.path, source.options);
  if (!opened.ok()) return opened.status();
  const Result<double> measured = measured_alpha(opened.value(), source.path);
  if (!measured.ok()) return measured.status();
  const Named name = named(source.path, opened.value().dataset.name);
  BenchmarkSet set = {name.category, 0, source.path, source.options, std::nullopt};
  std::vector<BenchmarkSet> sets;
  if (name.alpha || measured.value() > 0 || request.alphas.empty()) {
    set.alpha = name.alpha ? *name.alpha : std::round(100 * measured.value()) / 100;
    if (is_wanted(set.alpha, request.alphas)) sets.push_back(set);
    return sets;
  }
  for (const double alpha : request.alphas) {
    set.alpha = alpha;
    set.injection = request.injection;
    set.injection->alpha = alpha;
    set.injection->up_to = *std::max_element(request.alphas.begin(), request.alphas.end());
    sets.push_back(set);
  }
  return sets;
}

Status check_wanted(const SetRequest& request, const std::vector<BenchmarkSet>& sets,
                    const std::set<std::string>& categories) {
  for (const std::string& category : request.categories) {
    if (categories.count(category) > 0) continue;
    std::string known;
    for (const std::string& name : categories) known += (known.empty() ? "" : ", ") + name;
    return Status::error("no category '", category, "' in the data, which have ", known);
  }
  for (const double alpha : request.alphas) {
    const bool is_there = std::any_of(sets.begin(), sets.end(), [alpha](const BenchmarkSet& set) {
      return std::abs(set.alpha - alpha) < kSameAlpha;
    });
    if (!is_there) return Status::error("no data set of alpha ", alpha);
  }
  return Status();
}

}  // namespace

SetCounts count_images(const dataset::Opened& opened) {
  SetCounts n;
  for (const dataset::Item& item : opened.dataset.items) {
    const bool is_anomalous = opened.truth.of(item.id).label == 1;
    if (item.is_in(Split::kTrain)) ++(is_anomalous ? n.train_anomalous : n.train_normal);
    if (item.is_in(Split::kTest)) ++(is_anomalous ? n.test_anomalous : n.test_normal);
  }
  return n;
}

std::string name_of(const BenchmarkSet& set) { return text(set.category, ", alpha ", set.alpha); }

Result<std::vector<BenchmarkSet>> find_benchmark_sets(const SetRequest& request) {
  std::vector<BenchmarkSet> sets;
  std::set<std::string> categories;
  for (const std::string& path : request.paths) {
    const Result<std::vector<dataset::Source>> sources = dataset::find_sources(path, request.dataset);
    if (!sources.ok()) return sources.status();
    for (const dataset::Source& source : sources.value()) {
      const Result<std::vector<BenchmarkSet>> found = sets_of(source, request);
      if (!found.ok()) return found.status();
      for (const BenchmarkSet& set : found.value()) {
        categories.insert(set.category);
        const std::vector<std::string>& wanted = request.categories;
        if (wanted.empty() || std::count(wanted.begin(), wanted.end(), set.category) > 0) sets.push_back(set);
      }
    }
  }
  ASSAY_RETURN_IF_ERROR(check_wanted(request, sets, categories));
  std::stable_sort(sets.begin(), sets.end(), [](const BenchmarkSet& a, const BenchmarkSet& b) {
    return std::tie(a.category, a.alpha) < std::tie(b.category, b.alpha);
  });
  for (size_t i = 1; i < sets.size(); ++i) {
    if (sets[i].category != sets[i - 1].category || sets[i].alpha != sets[i - 1].alpha) continue;
    return Status::error(name_of(sets[i]), " is there twice: ", sets[i - 1].data, " and ", sets[i].data);
  }
  return sets;
}

}  // namespace assay::pipeline
