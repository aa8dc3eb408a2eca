// SPDX-License-Identifier: Apache-2.0
// A frozen feature extractor: an image in, feature maps of chosen levels out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"

namespace assay::models {

// A place in the network whose output can be asked for.
struct BackboneLevel {
  std::string name;
  int64_t stride;    // a map has ceil(H / stride) x ceil(W / stride) cells
  int64_t channels;  // C
};

// Of one image, or of a batch of images of one size.
struct FeatureMap {
  Tensor rows;         // (B * h * w, C) float32, cell (y, x) of image b in row (b * h + y) * w + x
  int64_t height = 0;  // h
  int64_t width = 0;   // w
  Tensor prefix = {};  // (B * Backbone::num_prefix_tokens(), C) float32, image after image; of transformers
};

// Buffers of one thread, made by the backbone that uses them.
class BackboneWorkspace {
 public:
  virtual ~BackboneWorkspace() = default;
};

// Lives on one device. Immutable and safe to share between threads, each with its own workspace. On the CPU an image is
// computed by the calling thread alone, so the result does not depend on the number of threads: run several images at
// once (kernels/base/parallel.h). (A transformer's products use idle threads, too, with the same result.) On a GPU the
// work is put on the calling thread's current stream; batches fill it.
class Backbone {
 public:
  static constexpr int64_t kMinImageSide = 32;

  virtual ~Backbone() = default;
  virtual const std::string& name() const = 0;
  virtual Device device() const = 0;
  // Sides of images are multiples of it where every level is to have whole cells.
  virtual int64_t side_multiple() const { return 32; }
  // Of a transformer: a class token and registers, which come before an image's patches and are none of its cells.
  virtual int64_t num_prefix_tokens() const { return 0; }
  // In the order in which they are computed.
  virtual const std::vector<BackboneLevel>& levels() const = 0;
  virtual std::unique_ptr<BackboneWorkspace> make_workspace() const = 0;

  // images: (H, W, 3) or (B, H, W, 3) uint8, RGB, on the device, H and W at least kMinImageSide; normalising is done
  // inside. One map per requested level, in the order of the request. Nothing deeper than the deepest of them is
  // computed. Throws assay::Error on other images, an unknown level (the message lists all), a level asked for twice,
  // or no level.
  virtual std::vector<FeatureMap> forward(const Tensor& images, const std::vector<std::string>& levels,
                                          BackboneWorkspace& workspace) const = 0;

  // Where `level` is in levels(); throws assay::Error where it is not.
  size_t level_index(const std::string& level) const;
};

}  // namespace assay::models
