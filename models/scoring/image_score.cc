// SPDX-License-Identifier: Apache-2.0
#include "models/scoring/image_score.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "engine/ops/gaussian_blur.h"
#include "engine/ops/resize_bilinear.h"

namespace assay::models {

Tensor anomaly_map(const Tensor& grid, int64_t height, int64_t width, double sigma) {
  const int64_t rank = grid.rank();
  ASSAY_CHECK(rank == 2 || rank == 3, "anomaly_map: the grid has shape ", to_string(grid.shape()),
              ", expected (h, w) or (B, h, w)");
  const int64_t batch = rank == 3 ? grid.dim(0) : 1;
  const Tensor channels = grid.reshape({batch, grid.dim(rank - 2), grid.dim(rank - 1), 1});
  const Tensor maps = ops::resize_bilinear(channels, height, width);
  return ops::gaussian_blur(maps.reshape(rank == 3 ? Shape{batch, height, width} : Shape{height, width}), sigma);
}

Result<ImageScoreRule> ImageScoreRule::from_name(const std::string& name) {
  if (name == "max") return ImageScoreRule{Kind::kMax, 0};
  if (name == "mean") return ImageScoreRule{Kind::kMean, 1};
  double share = 0;
  if (name.compare(0, 4, "top:") == 0) {
    const auto [stop, failure] = std::from_chars(name.data() + 4, name.data() + name.size(), share);
    if (failure == std::errc() && stop == name.data() + name.size() && share > 0 && share <= 1) {
      return ImageScoreRule{Kind::kTop, share};
    }
  }
  return Status::error("image score '", name, "': expected max, mean or top:S with 0 < S <= 1, for example top:0.01");
}

std::string ImageScoreRule::name() const {
  if (kind == Kind::kMax) return "max";
  if (kind == Kind::kMean) return "mean";
  return text("top:", share);
}

double image_score(const Tensor& map, const ImageScoreRule& rule) {
  ASSAY_CHECK(map.size() > 0, "image_score: a map without pixels");
  const float* values = map.data<float>();
  const int64_t n = map.size();
  ASSAY_CHECK(std::none_of(values, values + n, [](float v) { return std::isnan(v); }), "image_score: the map of shape ",
              to_string(map.shape()), " holds a NaN");
  if (rule.kind == ImageScoreRule::Kind::kMax) return *std::max_element(values, values + n);
  if (rule.kind == ImageScoreRule::Kind::kMean)
    return std::accumulate(values, values + n, 0.0) / static_cast<double>(n);
  const int64_t count = std::max<int64_t>(1, static_cast<int64_t>(std::floor(rule.share * static_cast<double>(n))));
  std::vector<float> sorted(values, values + n);
  std::nth_element(sorted.begin(), sorted.begin() + (count - 1), sorted.end(), std::greater<float>());
  std::sort(sorted.begin(), sorted.begin() + count);
  return std::accumulate(sorted.begin(), sorted.begin() + count, 0.0) / static_cast<double>(count);
}

}  // namespace assay::models
