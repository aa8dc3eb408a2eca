// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metrics/metrics.h"

#include <nlohmann/json.hpp>

#include "kernels/base/check.h"

namespace assay {

Metrics compute_metrics(const std::vector<float>& image_scores, const std::vector<uint8_t>& image_labels,
                        const std::vector<PixelView>& pixels) {
  ASSAY_CHECK(image_scores.size() == image_labels.size(), "compute_metrics: ", image_scores.size(), " image scores, ",
              image_labels.size(), " labels");
  const RankMetrics image =
      rank_metrics(image_scores.data(), image_labels.data(), static_cast<int64_t>(image_scores.size()));
  const PixelMetrics pixel = pixel_metrics(pixels);
  Metrics metrics;
  metrics.image_auroc = image.auroc;
  metrics.image_ap = image.ap;
  metrics.image_f1max = image.f1max;
  metrics.pixel_auroc = pixel.rank.auroc;
  metrics.pixel_ap = pixel.rank.ap;
  metrics.pixel_f1max = pixel.rank.f1max;
  metrics.pixel_aupro = pixel.aupro;
  metrics.pixel_aupro_200 = pixel.aupro_200;
  return metrics;
}

nlohmann::ordered_json to_json(const Metrics& metrics) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const auto put = [&](const char* name, const std::optional<double>& value) {
    json[name] = value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr);
  };
  put("image_auroc", metrics.image_auroc);
  put("image_ap", metrics.image_ap);
  put("image_f1max", metrics.image_f1max);
  put("pixel_auroc", metrics.pixel_auroc);
  put("pixel_ap", metrics.pixel_ap);
  put("pixel_f1max", metrics.pixel_f1max);
  put("pixel_aupro", metrics.pixel_aupro);
  put("pixel_aupro_200", metrics.pixel_aupro_200);
  return json;
}

}  // namespace assay
