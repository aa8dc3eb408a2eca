// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/keep_rule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace assay::pipeline {
namespace {

std::vector<int64_t> ascending(const std::vector<double>& scores) {
  std::vector<int64_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return scores[a] < scores[b]; });
  return order;
}

AlphaEstimate wilson_interval(int64_t hits, int64_t count) {
  constexpr double kZ = 1.959964;  // 95 %
  const double n = static_cast<double>(count);
  const double p = static_cast<double>(hits) / n;
  const double center = (p + kZ * kZ / (2 * n)) / (1 + kZ * kZ / n);
  const double half = kZ / (1 + kZ * kZ / n) * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  return {p, std::max(0.0, center - half), std::min(1.0, center + half)};
}

}  // namespace

Result<KeepRule> KeepRule::from_name(const std::string& name) {
  if (name == "auto") return KeepRule{};
  double fraction = 0;
  const auto [stop, failure] = std::from_chars(name.data(), name.data() + name.size(), fraction);
  if (failure != std::errc() || stop != name.data() + name.size() || !(fraction > 0 && fraction <= 1)) {
    return Status::error("--keep=", name, ": expected auto or a fraction above 0 and at most 1");
  }
  return KeepRule{false, fraction};
}

std::string KeepRule::name() const { return automatic ? "auto" : text(fraction); }

Selection select_kept(const std::vector<double>& suspicion, const KeepRule& rule, double automatic_threshold) {
  ASSAY_CHECK(!suspicion.empty(), "select_kept: no images");
  const int64_t count = static_cast<int64_t>(suspicion.size());
  Selection selection;
  selection.kept.assign(count, 0);
  int64_t num_kept = 0;
  if (rule.automatic) {
    for (const double s : suspicion) num_kept += s <= automatic_threshold;
  } else {
    // A fraction such as 0.7 of 10 must not lose an image to its binary representation.
    num_kept =
        std::max<int64_t>(1, static_cast<int64_t>(std::floor(rule.fraction * static_cast<double>(count) + 1e-9)));
  }
  const std::vector<int64_t> order = ascending(suspicion);
  for (int64_t rank = 0; rank < num_kept; ++rank) selection.kept[order[rank]] = 1;
  selection.alpha = wilson_interval(count - num_kept, count);
  return selection;
}

}  // namespace assay::pipeline
