// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/pixel_metrics.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/check.h"
#include "kernels/base/parallel.h"
#include "pipeline/metrics/regions.h"

namespace assay {
namespace {

constexpr int kNumThresholds = 200;

// ---- From views to ranked pixels ------------------------------------------------------------------------------------

// Where a view's pixels go in the arrays of all pixels.
struct Share {
  int64_t first_normal = 0;
  int64_t num_normal = 0;
  int64_t first_anomalous = 0;
  int64_t num_anomalous = 0;
  int64_t num_regions = 0;
};

// Checked so that height * width cannot overflow: a view alone stays below 2^32 pixels.
int64_t num_pixels(const PixelView& view) {
  constexpr int64_t kLimit = int64_t{1} << 32;
  const bool fits = view.height >= 0 && view.width >= 0 && (view.width == 0 || view.height < kLimit / view.width);
  ASSAY_CHECK(fits, "pixel_metrics: a map of ", view.height, " x ", view.width, ", expected fewer than 2^32 pixels");
  return view.height * view.width;
}

std::vector<Share> count_pixels(const std::vector<PixelView>& views) {
  std::vector<Share> shares(views.size());
  parallel_for(static_cast<int64_t>(views.size()), 1, [&](int64_t v, int64_t) {
    const PixelView& view = views[v];
    const int64_t pixels = num_pixels(view);
    if (view.mask != nullptr) {
      shares[v].num_anomalous = pixels - std::count(view.mask, view.mask + pixels, uint8_t{0});
    }
    shares[v].num_normal = pixels - shares[v].num_anomalous;
  });
  int64_t normal = 0, anomalous = 0;
  for (Share& share : shares) {
    share.first_normal = normal;
    share.first_anomalous = anomalous;
    normal += share.num_normal;
    anomalous += share.num_anomalous;
  }
  return shares;
}

// Writes the keys of scores[0, n) and returns the end. True in `nan` if there is one.
uint32_t* append_normal(const float* scores, int64_t n, uint32_t* out, bool* nan) {
  bool found = false;
  for (int64_t i = 0; i < n; ++i) {
    found |= std::isnan(scores[i]);
    out[i] = descending_key(scores[i]);
  }
  *nan |= found;
  return out + n;
}

void fill_view(const PixelView& view, int64_t index, Share& share, RankedScores& ranked) {
  const Regions regions = view.mask != nullptr ? connected_regions(view.mask, view.height, view.width) : Regions{};
  share.num_regions = static_cast<int64_t>(regions.areas.size());
  uint32_t* normal = ranked.normal.begin() + share.first_normal;
  uint64_t* anomalous = ranked.anomalous.begin() + share.first_anomalous;
  bool nan = false;
  int64_t done = 0;
  for (const Run& run : regions.runs) {
    const int64_t begin = run.row * view.width + run.begin, end = run.row * view.width + run.end;
    normal = append_normal(view.scores + done, begin - done, normal, &nan);
    const uint32_t area = static_cast<uint32_t>(regions.areas[run.region]);
    for (int64_t i = begin; i < end; ++i) {
      nan |= std::isnan(view.scores[i]);
      *anomalous++ = RankedScores::anomalous_entry(descending_key(view.scores[i]), area);
    }
    done = end;
  }
  append_normal(view.scores + done, view.height * view.width - done, normal, &nan);
  ASSAY_CHECK(!nan, "pixel_metrics: the map at index ", index, " (", view.height, " x ", view.width, ") contains NaN");
}

// ---- AUPRO, exact ---------------------------------------------------------------------------------------------------

class AuproSum {
 public:
  AuproSum(int64_t num_normal, int64_t num_regions, double fpr_limit)
      : num_normal_(static_cast<double>(num_normal)),
        num_regions_(static_cast<double>(num_regions)),
        limit_(fpr_limit) {}

  void add(const RankStep& step) {
    const double fpr_above = static_cast<double>(step.normal - step.tied_normal) / num_normal_;
    extend(fpr_above, overlap_);
    extend(static_cast<double>(step.normal) / num_normal_, overlap_ + step.overlap_increment);
  }
  double result() {
    extend(1.0, overlap_);
    return area_ / (limit_ * num_regions_);
  }

 private:
  // The curve goes straight on to (fpr, overlap); what lies beyond the limit is cut off.
  void extend(double fpr, double overlap) {
    if (fpr_ < limit_) {
      const double end = std::min(fpr, limit_);
      const double overlap_end =
          fpr > limit_ ? overlap_ + (overlap - overlap_) * (limit_ - fpr_) / (fpr - fpr_) : overlap;
      area_ += (end - fpr_) * (overlap_ + overlap_end) / 2;
    }
    fpr_ = fpr;
    overlap_ = overlap;
  }

  double num_normal_, num_regions_, limit_;
  double fpr_ = 0, overlap_ = 0;  // where the curve has come to; overlap is summed over regions
  double area_ = 0;
};

// ---- AUPRO at 200 thresholds ----------------------------------------------------------------------------------------

std::optional<double> aupro_at_thresholds(const RankedScores& ranked, int64_t num_regions, double fpr_limit) {
  const uint64_t* const first = ranked.anomalous.begin();
  const uint64_t* const last = ranked.anomalous.end() - 1;
  const auto key_of = [](uint64_t entry) { return static_cast<uint32_t>(entry >> 32); };
  const double max = score_of_key(std::min(key_of(*first), *ranked.normal.begin()));
  const double min = score_of_key(std::max(key_of(*last), *(ranked.normal.end() - 1)));
  if (!std::isfinite(max) || !std::isfinite(min) || max == min) return std::nullopt;

  const double step = (max - min) / kNumThresholds;
  const uint64_t* anomalous = first;
  double overlap = 0, area = 0;
  double previous_fpr = 0, previous_pro = 0;
  int num_points = 0;
  for (int i = kNumThresholds - 1; i >= 0; --i) {
    const double threshold = min + i * step;
    const uint32_t* normal = std::partition_point(ranked.normal.begin(), ranked.normal.end(),
                                                  [&](uint32_t key) { return double{score_of_key(key)} > threshold; });
    for (; anomalous <= last && double{score_of_key(key_of(*anomalous))} > threshold; ++anomalous) {
      overlap += 1.0 / static_cast<double>(static_cast<uint32_t>(*anomalous));
    }
    const double fpr = static_cast<double>(normal - ranked.normal.begin()) / static_cast<double>(ranked.normal.size);
    if (fpr >= fpr_limit) break;
    const double pro = overlap / static_cast<double>(num_regions);
    if (num_points > 0) area += (fpr - previous_fpr) * (pro + previous_pro) / 2;
    previous_fpr = fpr;
    previous_pro = pro;
    ++num_points;
  }
  if (num_points < 2 || previous_fpr == 0) return std::nullopt;
  return area / previous_fpr;  // the largest FPR kept
}

}  // namespace

PixelMetrics pixel_metrics(const std::vector<PixelView>& views, double fpr_limit) {
  ASSAY_CHECK(fpr_limit > 0 && fpr_limit <= 1, "pixel_metrics: FPR limit ", fpr_limit, ", expected a value in (0, 1]");
  std::vector<Share> shares = count_pixels(views);
  int64_t num_normal = 0, num_anomalous = 0;
  for (const Share& share : shares) {
    num_normal += share.num_normal;
    num_anomalous += share.num_anomalous;
  }
  RankMetricsSum rank(num_normal, num_anomalous);
  RankedScores ranked(num_normal, num_anomalous);
  parallel_for(static_cast<int64_t>(views.size()), 1,
               [&](int64_t v, int64_t) { fill_view(views[v], v, shares[v], ranked); });
  PixelMetrics metrics;
  for (const Share& share : shares) metrics.num_regions += share.num_regions;
  if (num_normal == 0 || num_anomalous == 0) return metrics;

  ranked.sort();
  AuproSum aupro(num_normal, metrics.num_regions, fpr_limit);
  for_each_step(ranked, [&](const RankStep& step) {
    rank.add(step);
    aupro.add(step);
  });
  metrics.rank = rank.result();
  metrics.aupro = aupro.result();
  metrics.aupro_200 = aupro_at_thresholds(ranked, metrics.num_regions, fpr_limit);
  return metrics;
}

}  // namespace assay
