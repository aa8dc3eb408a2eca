// SPDX-License-Identifier: Apache-2.0
// Metrics of anomaly maps against defect masks, over the pixels of all images together.
//
// AUPRO, after Bergmann et al. 2019 (MVTec AD): PRO(t) is the share of a defect region's pixels with score >= t,
// averaged over the connected regions of all images; FPR(t) is the share of all normal pixels with score >= t. `aupro`
// is the area under PRO over FPR from 0 to the limit, divided by the limit: exact, trapezoids over every distinct
// score, the last one cut at the limit by linear interpolation.
//
// `aupro_200` is the approximation that most publications since print (the `compute_pro` shared by RD4AD, Dinomaly
// and others): thresholds t_i = min + i (max - min) / 200, i = 0..199, min and max over all pixels of all maps;
// a pixel counts if score > t_i; points with FPR < limit (strictly) are kept; their FPR is divided by the largest FPR
// kept; the area is the trapezoid sum over the kept points alone, without a point at FPR 0. It depends on the scale
// of the scores, so compare it only with figures made the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/metrics/rank_metrics.h"

namespace assay {

// One image. Images may differ in size.
struct PixelView {
  const float* scores;  // (height, width), row-major, higher is more anomalous; no NaN
  const uint8_t* mask;  // (height, width), > 0 on defects; null: the image has no defect
  int64_t height;       // >= 0, as is width; fewer than 2^32 pixels in all images together
  int64_t width;
};

struct PixelMetrics {
  RankMetrics rank;  // absent unless both kinds of pixels occur
  std::optional<double> aupro;
  std::optional<double> aupro_200;  // absent too if a score is infinite or fewer than two points with FPR > 0 remain
  int64_t num_regions = 0;
};

inline constexpr double kDefaultFprLimit = 0.3;

// fpr_limit in (0, 1]. An anomalous image whose mask is unknown must be left out by the caller, not passed with a null
// mask. A NaN score, a negative size or too many pixels throws assay::Error.
// Needs 8 bytes per normal and 16 per defect pixel beyond the views. The result is the same, bit for bit, for any
// number of threads and any order of the views.
PixelMetrics pixel_metrics(const std::vector<PixelView>& views, double fpr_limit = kDefaultFprLimit);

}  // namespace assay
