// SPDX-License-Identifier: Apache-2.0
// The metrics from their definitions, naively and in double: for tests. Quadratic in the number of pixels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "pipeline/metrics/pixel_metrics.h"

namespace assay {

// The share of pairs (anomalous, normal) in which the anomalous one scores higher; equal scores count half.
inline double auroc_ref(const std::vector<float>& scores, const std::vector<uint8_t>& labels) {
  double won = 0, pairs = 0;
  for (size_t a = 0; a < scores.size(); ++a) {
    for (size_t n = 0; n < scores.size(); ++n) {
      if (labels[a] != 1 || labels[n] != 0) continue;
      pairs += 1;
      won += scores[a] > scores[n] ? 1 : scores[a] == scores[n] ? 0.5 : 0;
    }
  }
  return won / pairs;
}

// {average precision, best F1}: counts from scratch at every distinct score.
inline std::pair<double, double> precision_recall_ref(const std::vector<float>& scores,
                                                      const std::vector<uint8_t>& labels) {
  const std::set<float, std::greater<float>> thresholds(scores.begin(), scores.end());
  double ap = 0, f1max = 0, recall_before = 0;
  for (const float t : thresholds) {
    double tp = 0, fp = 0, fn = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
      if (labels[i] == 1) (scores[i] >= t ? tp : fn) += 1;
      if (labels[i] == 0 && scores[i] >= t) fp += 1;
    }
    const double precision = tp / (tp + fp), recall = tp / (tp + fn);
    ap += (recall - recall_before) * precision;
    recall_before = recall;
    if (tp > 0) f1max = std::max(f1max, 2 * precision * recall / (precision + recall));
  }
  return {ap, f1max};
}

// Region number of each pixel, -1 outside; by flood fill, numbered in raster order of first pixels.
inline std::vector<int> regions_ref(const uint8_t* mask, int64_t height, int64_t width) {
  std::vector<int> region(height * width, -1);
  int num_regions = 0;
  for (int64_t start = 0; start < height * width; ++start) {
    if (mask[start] == 0 || region[start] >= 0) continue;
    std::vector<int64_t> open{start};
    region[start] = num_regions;
    while (!open.empty()) {
      const int64_t at = open.back();
      open.pop_back();
      for (int64_t y = at / width - 1; y <= at / width + 1; ++y) {
        for (int64_t x = at % width - 1; x <= at % width + 1; ++x) {
          if (y < 0 || x < 0 || y >= height || x >= width) continue;
          const int64_t next = y * width + x;
          if (mask[next] == 0 || region[next] >= 0) continue;
          region[next] = num_regions;
          open.push_back(next);
        }
      }
    }
    ++num_regions;
  }
  return region;
}

struct ProPoint {
  double fpr, pro;
};

// One point of the PRO curve: which pixels a threshold flags is the caller's business.
inline ProPoint pro_point_ref(const std::vector<PixelView>& views, const std::function<bool(float)>& flagged) {
  double false_positives = 0, normals = 0, overlaps = 0, num_regions = 0;
  for (const PixelView& view : views) {
    const int64_t pixels = view.height * view.width;
    const std::vector<uint8_t> none(view.mask == nullptr ? pixels : 0, 0);
    const std::vector<int> region =
        regions_ref(view.mask == nullptr ? none.data() : view.mask, view.height, view.width);
    const int count = pixels == 0 ? 0 : *std::max_element(region.begin(), region.end()) + 1;
    std::vector<double> hit(count, 0), area(count, 0);
    for (int64_t i = 0; i < pixels; ++i) {
      const bool is_flagged = flagged(view.scores[i]);
      if (region[i] < 0) {
        normals += 1;
        false_positives += is_flagged;
      } else {
        area[region[i]] += 1;
        hit[region[i]] += is_flagged;
      }
    }
    for (int r = 0; r < count; ++r) overlaps += hit[r] / area[r];
    num_regions += count;
  }
  return {false_positives / normals, overlaps / num_regions};
}

inline double aupro_ref(const std::vector<PixelView>& views, double limit) {
  std::set<float, std::greater<float>> thresholds;
  for (const PixelView& view : views) thresholds.insert(view.scores, view.scores + view.height * view.width);
  ProPoint before{0, 0};
  double area = 0;
  for (const float t : thresholds) {
    ProPoint point = pro_point_ref(views, [t](float s) { return s >= t; });
    if (point.fpr > limit) {
      point.pro = before.pro + (point.pro - before.pro) * (limit - before.fpr) / (point.fpr - before.fpr);
      point.fpr = limit;
    }
    area += (point.fpr - before.fpr) * (point.pro + before.pro) / 2;
    before = point;
    if (point.fpr >= limit) break;
  }
  return area / limit;
}

// -1 where the definition gives no number.
inline double aupro_200_ref(const std::vector<PixelView>& views, double limit) {
  std::vector<double> all;
  for (const PixelView& view : views) all.insert(all.end(), view.scores, view.scores + view.height * view.width);
  const double min = *std::min_element(all.begin(), all.end()), max = *std::max_element(all.begin(), all.end());
  std::vector<ProPoint> kept;
  for (int i = 0; i < 200 && max > min; ++i) {
    const double t = min + i * ((max - min) / 200);
    const ProPoint point = pro_point_ref(views, [t](float s) { return s > t; });
    if (point.fpr < limit) kept.push_back(point);
  }
  if (kept.size() < 2 || kept.front().fpr == 0) return -1;  // thresholds rise, so the first FPR is the largest
  double area = 0;
  for (size_t i = 1; i < kept.size(); ++i) {
    area += (kept[i - 1].fpr - kept[i].fpr) / kept.front().fpr * (kept[i - 1].pro + kept[i].pro) / 2;
  }
  return area;
}

}  // namespace assay
