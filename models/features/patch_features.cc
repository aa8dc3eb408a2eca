// SPDX-License-Identifier: Apache-2.0
#include "models/features/patch_features.h"

#include <cmath>
#include <set>
#include <utility>

#include "engine/ops/neighbourhood_mean.h"
#include "engine/ops/resize_bilinear.h"
#include "engine/ops/row_ops.h"

namespace assay::models {
namespace {

// Writes part (P, C) into columns begin .. begin + C - 1 of rows (P, D); each row scaled to length one if asked. A row
// of zeros stays zero. On the CPU by the calling thread: several images run at once.
void write_columns(const Tensor& part, int64_t begin, bool unit_length, const Tensor& rows) {
  if (!rows.device().is_cpu()) {
    unit_length ? ops::normalise_rows(part, rows, begin) : ops::place_columns(part, rows, begin);
    return;
  }
  const int64_t cells = rows.dim(0);
  const int64_t width = rows.dim(1);
  const int64_t channels = part.size() / cells;
  for (int64_t p = 0; p < cells; ++p) {
    const float* x = part.data<float>() + p * channels;
    float* y = rows.data<float>() + p * width + begin;
    double square = 0;
    for (int64_t c = 0; c < channels; ++c) square += static_cast<double>(x[c]) * x[c];
    const double scale = unit_length && square > 0 ? 1 / std::sqrt(square) : 1;  // beyond float's range for tiny rows
    for (int64_t c = 0; c < channels; ++c) y[c] = static_cast<float>(scale * x[c]);
  }
}

}  // namespace

PatchFeatures::PatchFeatures(std::shared_ptr<const Backbone> backbone, PatchFeatureOptions options)
    : backbone_(std::move(backbone)), options_(std::move(options)) {
  ASSAY_CHECK(!options_.levels.empty(), "patch features: no backbone level is named");
  const std::set<std::string> distinct(options_.levels.begin(), options_.levels.end());
  ASSAY_CHECK(distinct.size() == options_.levels.size(), "patch features: a backbone level is named twice");
  for (const std::string& level : options_.levels) {
    width_ += backbone_->levels()[backbone_->level_index(level)].channels;
  }
}

void PatchFeatures::release_workspaces() const {
  const std::lock_guard<std::mutex> lock(workspaces_mutex_);
  workspaces_.clear();
}

FeatureGrid PatchFeatures::extract(const Tensor& images) const {
  std::unique_ptr<BackboneWorkspace> workspace;
  {
    const std::lock_guard<std::mutex> lock(workspaces_mutex_);
    if (!workspaces_.empty()) {
      workspace = std::move(workspaces_.back());
      workspaces_.pop_back();
    }
  }
  if (!workspace) workspace = backbone_->make_workspace();
  const std::vector<FeatureMap> maps = backbone_->forward(images.to(device(), "images"), options_.levels, *workspace);
  {
    const std::lock_guard<std::mutex> lock(workspaces_mutex_);
    workspaces_.push_back(std::move(workspace));
  }
  const bool is_batch = images.rank() == 4;
  FeatureGrid grid;
  grid.height = maps[0].height;
  grid.width = maps[0].width;
  grid.image_height = images.dim(is_batch);
  grid.image_width = images.dim(is_batch + 1);
  grid.batch = is_batch ? images.dim(0) : 1;
  grid.rows = Tensor::empty<float>({grid.batch * grid.height * grid.width, width_}, "patch features", device());
  int64_t begin = 0;
  for (const FeatureMap& map : maps) {
    const int64_t channels = map.rows.dim(1);
    Tensor level = map.rows.reshape({grid.batch, map.height, map.width, channels});
    if (options_.neighbourhood > 1) level = ops::neighbourhood_mean(level, options_.neighbourhood);
    if (map.height != grid.height || map.width != grid.width)
      level = ops::resize_bilinear(level, grid.height, grid.width);
    write_columns(level.reshape({grid.rows.dim(0), channels}), begin, options_.unit_length, grid.rows);
    begin += channels;
  }
  return grid;
}

}  // namespace assay::models
