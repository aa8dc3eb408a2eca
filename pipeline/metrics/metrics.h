// SPDX-License-Identifier: Apache-2.0
// The figures of an evaluation: image and pixel metrics under the names that run files and --json use.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "pipeline/metrics/pixel_metrics.h"

namespace assay {

// Absent where the data cannot tell: one class only, no masks (rank_metrics.h, pixel_metrics.h).
struct Metrics {
  std::optional<double> image_auroc;
  std::optional<double> image_ap;
  std::optional<double> image_f1max;
  std::optional<double> pixel_auroc;
  std::optional<double> pixel_ap;
  std::optional<double> pixel_f1max;
  std::optional<double> pixel_aupro;
  std::optional<double> pixel_aupro_200;
};

// One score and one label (0 normal, 1 anomalous) per image whose label is known. `pixels` holds the images whose
// defect pixels are known, in any order; it may be empty. Throws assay::Error on sizes that differ, NaN, other labels.
Metrics compute_metrics(const std::vector<float>& image_scores, const std::vector<uint8_t>& image_labels,
                        const std::vector<PixelView>& pixels);

// An object with the eight names of the struct in its order; an absent metric is null.
nlohmann::ordered_json to_json(const Metrics& metrics);

}  // namespace assay
