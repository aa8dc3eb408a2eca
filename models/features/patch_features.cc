// SPDX-License-Identifier: Apache-2.0
#include "models/features/patch_features.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <utility>

#include "engine/ops/combine.h"
#include "engine/ops/neighbourhood_mean.h"
#include "engine/ops/resize_bilinear.h"
#include "engine/ops/row_ops.h"
#include "models/features/packed_cells.h"

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

Tensor mean_of(const std::vector<Tensor>& tensors) {
  const Tensor sum = tensors[0].clone("patch features");
  for (size_t i = 1; i < tensors.size(); ++i) ops::add_into(sum, tensors[i]);
  ops::scale(sum, 1.0f / static_cast<float>(tensors.size()));
  return sum;
}

// Of some of the maps, which are alike in size.
FeatureMap mean_of(const std::vector<FeatureMap>& maps, const std::vector<size_t>& which, bool with_prefix) {
  FeatureMap mean = maps[which[0]];
  if (which.size() == 1) return mean;
  std::vector<Tensor> rows, prefixes;
  for (const size_t i : which) {
    rows.push_back(maps[i].rows);
    prefixes.push_back(maps[i].prefix);
  }
  mean.rows = mean_of(rows);
  if (with_prefix) mean.prefix = mean_of(prefixes);
  return mean;
}

}  // namespace

PatchFeatures::PatchFeatures(std::shared_ptr<const Backbone> backbone, PatchFeatureOptions options)
    : backbone_(std::move(backbone)), options_(std::move(options)) {
  ASSAY_CHECK(!options_.levels.empty(), "patch features: no backbone level is named");
  for (const std::string& names : options_.levels) {
    parts_.push_back(make_part(names));
  }
  for (size_t i = 1; options_.packed && i < parts_.size(); ++i) {
    ASSAY_CHECK(parts_[i].stride == 2 * parts_[i - 1].stride, "patch features: ", options_.levels[i - 1],
                " has stride ", parts_[i - 1].stride, ", ", options_.levels[i], " ", parts_[i].stride,
                ": to be packed, each part must have half the stride of the next");
  }
  for (const Part& part : parts_) width_ += part.channels * cells_across(part) * cells_across(part);
  const std::set<std::string> distinct(level_names_.begin(), level_names_.end());
  ASSAY_CHECK(distinct.size() == level_names_.size(), "patch features: a backbone level is named twice");
  ASSAY_CHECK(!options_.prefix_tokens || backbone_->num_prefix_tokens() > 0, "patch features: backbone ",
              backbone_->name(), " has no tokens beside its cells");
  ASSAY_CHECK(!options_.packed || !options_.prefix_tokens, "patch features: packed parts have no prefix tokens");
}

PatchFeatures::Part PatchFeatures::make_part(const std::string& names) {
  Part part = {{}, 0, 1};
  const BackboneLevel* first = nullptr;
  std::istringstream in(names);
  for (std::string name; std::getline(in, name, '+');) {
    const BackboneLevel& level = backbone_->levels()[backbone_->level_index(name)];
    if (first == nullptr) first = &level;
    ASSAY_CHECK(level.stride == first->stride && level.channels == first->channels, "patch features: levels ",
                first->name, " and ", name, " differ in grid or width, so they have no mean");
    part.levels.push_back(level_names_.size());
    part.channels = level.channels;
    part.stride = level.stride;
    level_names_.push_back(name);
  }
  ASSAY_CHECK(first != nullptr, "patch features: no backbone level is named");
  return part;
}

bool PatchFeatures::has_parts_of_one_width() const {
  return std::all_of(parts_.begin(), parts_.end(), [&](const Part& p) { return p.channels == parts_[0].channels; });
}

std::vector<int64_t> PatchFeatures::part_widths() const {
  std::vector<int64_t> widths;
  for (const Part& part : parts_) widths.push_back(part.channels);
  return widths;
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
  const std::vector<FeatureMap> maps = backbone_->forward(images.to(device(), "images"), level_names_, *workspace);
  {
    const std::lock_guard<std::mutex> lock(workspaces_mutex_);
    workspaces_.push_back(std::move(workspace));
  }
  const bool is_batch = images.rank() == 4;
  FeatureGrid grid;
  const FeatureMap& grid_map = maps[grid_part().levels[0]];
  grid.height = grid_map.height;
  grid.width = grid_map.width;
  grid.image_height = images.dim(is_batch);
  grid.image_width = images.dim(is_batch + 1);
  grid.batch = is_batch ? images.dim(0) : 1;
  grid.rows = Tensor::empty<float>({grid.batch * grid.height * grid.width, width_}, "patch features", device());
  if (options_.prefix_tokens) {
    grid.prefix =
        Tensor::empty<float>({grid.batch * backbone_->num_prefix_tokens(), width_}, "patch features", device());
  }
  int64_t begin = 0;
  for (const Part& part : parts_) {
    const FeatureMap map = mean_of(maps, part.levels, options_.prefix_tokens);
    Tensor level = map.rows.reshape({grid.batch, map.height, map.width, part.channels});
    if (options_.neighbourhood > 1) level = ops::neighbourhood_mean(level, options_.neighbourhood);
    if (options_.packed) {
      const int64_t factor = cells_across(part);
      ASSAY_CHECK(map.height == factor * grid.height && map.width == factor * grid.width,
                  "patch features: an image of ", grid.image_height, " x ", grid.image_width,
                  " px, expected multiples of ", stride(), ", for cells hold whole cells of finer levels");
      const Tensor cells = Tensor::empty<float>({map.rows.dim(0), part.channels}, "patch features", device());
      write_columns(level.reshape(cells.shape()), 0, options_.unit_length, cells);
      const Tensor packed = pack_cells(cells.reshape(level.shape()), factor);
      write_columns(packed, begin, /*unit_length=*/false, grid.rows);
      begin += packed.dim(1);
      continue;
    }
    if (map.height != grid.height || map.width != grid.width)
      level = ops::resize_bilinear(level, grid.height, grid.width);
    write_columns(level.reshape({grid.rows.dim(0), part.channels}), begin, options_.unit_length, grid.rows);
    if (options_.prefix_tokens) write_columns(map.prefix, begin, options_.unit_length, grid.prefix);
    begin += part.channels;
  }
  return grid;
}

}  // namespace assay::models
