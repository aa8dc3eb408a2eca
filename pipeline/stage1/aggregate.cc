// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/aggregate.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "pipeline/stage1/robust.h"

namespace assay::pipeline {
namespace {

constexpr const char* kAggregateNames[] = {"mean",     "max",     "max_var",       "median",     "trimmed",
                                           "expected", "support", "bank_ensemble", "out_of_bag", "trajectory"};

double mean_of(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
}

double variance_of(const std::vector<double>& v) {
  const double mean = mean_of(v);
  double sum = 0;
  for (const double x : v) sum += (x - mean) * (x - mean);
  return sum / static_cast<double>(v.size());
}

double combine(std::vector<double> v, Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::kMean:
    case Aggregate::kTrajectory:
      return mean_of(v);
    case Aggregate::kMax:
      return *std::max_element(v.begin(), v.end());
    case Aggregate::kMaxVar:
      return *std::max_element(v.begin(), v.end()) * variance_of(v);
    case Aggregate::kMedian:
      return median(std::move(v));
    case Aggregate::kTrimmed:
      if (v.size() >= 3) {
        std::sort(v.begin(), v.end());
        v = std::vector<double>(v.begin() + 1, v.end() - 1);
      }
      return mean_of(v);
    case Aggregate::kExpected:
    case Aggregate::kSupport:
    case Aggregate::kBankEnsemble:
    case Aggregate::kOutOfBag:
      break;
  }
  throw Error("aggregate_scores: this aggregate is computed from distances, not from sub-models' scores");
}

// Puts the counting scores of each sub-model on one scale.
void normalise_robust(std::vector<double>& scores, const std::vector<bool>& counts, int num_models) {
  const size_t num_images = scores.size() / num_models;
  for (int k = 0; k < num_models; ++k) {
    std::vector<double> column;
    for (size_t i = 0; i < num_images; ++i) {
      if (counts[i * num_models + k]) column.push_back(scores[i * num_models + k]);
    }
    if (column.empty()) continue;
    const RobustScale scale = robust_scale(column);
    const double divisor = scale.mad > 0 ? scale.mad : 1;
    for (size_t i = 0; i < num_images; ++i) {
      double& s = scores[i * num_models + k];
      s = (s - scale.median) / divisor;
    }
  }
}

}  // namespace

bool needs_distance_table(Aggregate aggregate) {
  return aggregate == Aggregate::kExpected || aggregate == Aggregate::kSupport ||
         aggregate == Aggregate::kBankEnsemble || aggregate == Aggregate::kOutOfBag;
}

bool needs_tracked_scores(Aggregate aggregate) { return aggregate == Aggregate::kTrajectory; }

Result<Aggregate> aggregate_from_name(const std::string& name) {
  std::string known;
  for (size_t i = 0; i < std::size(kAggregateNames); ++i) {
    if (name == kAggregateNames[i]) return static_cast<Aggregate>(i);
    known += std::string(i ? "|" : "") + kAggregateNames[i];
  }
  return Status::error("aggregate '", name, "': expected one of ", known);
}

const char* aggregate_name(Aggregate aggregate) { return kAggregateNames[static_cast<int>(aggregate)]; }
const char* over_name(Over over) { return over == Over::kAll ? "all" : "held_out"; }
const char* normalise_name(Normalise normalise) { return normalise == Normalise::kNone ? "none" : "robust"; }

std::vector<double> aggregate_scores(const std::vector<double>& scores, const std::vector<int>& subset, int num_models,
                                     const AggregateRule& rule) {
  const size_t num_images = subset.size();
  ASSAY_CHECK(num_models >= 2, "aggregate_scores: ", num_models, " sub-models, expected at least 2");
  ASSAY_CHECK(scores.size() == num_images * num_models, "aggregate_scores: ", scores.size(), " scores, expected ",
              num_images, " images times ", num_models, " sub-models");
  std::vector<bool> counts(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    counts[i] = rule.over == Over::kAll || subset[i / num_models] != static_cast<int>(i % num_models);
    ASSAY_CHECK(!counts[i] || std::isfinite(scores[i]), "aggregate_scores: the score of image ", i / num_models,
                " under sub-model ", i % num_models, " is not finite");
  }
  std::vector<double> scaled = scores;
  if (rule.normalise == Normalise::kRobust) normalise_robust(scaled, counts, num_models);
  std::vector<double> result(num_images);
  for (size_t i = 0; i < num_images; ++i) {
    std::vector<double> row;
    for (int k = 0; k < num_models; ++k) {
      if (counts[i * num_models + k]) row.push_back(scaled[i * num_models + k]);
    }
    result[i] = combine(std::move(row), rule.aggregate);
  }
  return result;
}

}  // namespace assay::pipeline
