// SPDX-License-Identifier: Apache-2.0
// Patch features: levels of a backbone brought onto one grid (Roth et al. 2022, section 3.1), or packed into the rows
// of the coarsest one's (packed_cells.h).
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "models/backbones/backbone.h"
#include "models/features/feature_grid.h"

namespace assay::models {

struct PatchFeatureOptions {
  // Parts of a row, side by side, on the grid of the first. Each is a level, or the mean of several of one grid and
  // width: "layer2+layer3".
  std::vector<std::string> levels;
  int64_t neighbourhood = 3;   // odd: each level is averaged over so many cells square
  bool unit_length = true;     // each patch's part of each level is scaled to length one: only its direction counts,
                               // so that brightness, which scales all channels of a level alike, does not
  bool prefix_tokens = false;  // FeatureGrid::prefix is what the backbone has beside the cells, not averaged over any
  // Parts keep their own grids: each has half the stride of the one that follows, and the rows of the last one's grid
  // hold what lies within a cell, part after part. Lengths are then those of the parts' own cells. Not with prefix
  // tokens.
  bool packed = false;
};

// Safe to share between threads.
class PatchFeatures {
 public:
  // Throws assay::Error for a level that the backbone does not have, one named twice, or none, for a mean of levels of
  // several strides or widths, prefix tokens of a backbone that has none, or parts that cannot be packed.
  PatchFeatures(std::shared_ptr<const Backbone> backbone, PatchFeatureOptions options);

  int64_t width() const { return width_; }  // D, the sum of the parts' channels in all cells that a row holds of them
  int64_t stride() const { return grid_part().stride; }  // pixels of input a cell of the grid
  int64_t num_parts() const { return static_cast<int64_t>(parts_.size()); }
  bool has_parts_of_one_width() const;
  std::vector<int64_t> part_widths() const;  // channels
  const Backbone& backbone() const { return *backbone_; }
  const PatchFeatureOptions& options() const { return options_; }

  Device device() const { return backbone_->device(); }

  // images: (H, W, 3) or (B, H, W, 3) uint8 RGB of the size the backbone is to see, sides as the backbone demands
  // (assay::Error), on the backbone's device or brought there. Rows lie there, too.
  FeatureGrid extract(const Tensor& images) const;
  // Gives back the buffers that extract keeps between calls; they are as large as the largest batch so far.
  void release_workspaces() const;

 private:
  struct Part {
    std::vector<size_t> levels;  // whose mean it is, as places in level_names_
    int64_t channels;
    int64_t stride;
  };
  Part make_part(const std::string& names);
  const Part& grid_part() const { return options_.packed ? parts_.back() : parts_.front(); }  // whose grid it is
  int64_t cells_across(const Part& part) const { return options_.packed ? stride() / part.stride : 1; }

  std::shared_ptr<const Backbone> backbone_;
  PatchFeatureOptions options_;
  std::vector<std::string> level_names_;  // of all parts, in the order of the request
  std::vector<Part> parts_;
  int64_t width_ = 0;
  // Workspaces that no call is using: as many come to be as there are calls at once.
  mutable std::mutex workspaces_mutex_;
  mutable std::vector<std::unique_ptr<BackboneWorkspace>> workspaces_;
};

}  // namespace assay::models
