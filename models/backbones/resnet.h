// SPDX-License-Identifier: Apache-2.0
// Residual networks (He et al. 2016), of basic blocks or of bottlenecks with the stride in the 3x3 convolution, plain
// or wide (Zagoruyko and Komodakis 2016), as torchvision names and normalises them. Batch norm is folded into the
// convolutions, in double.
//
// Levels: `layer1` to `layer4`, the stages' outputs, strides 4 to 32.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "engine/device/device.h"
#include "kernels/base/status.h"
#include "models/backbones/backbone.h"
#include "models/layers/parameter_list.h"

namespace assay::models {

struct ResnetShape {
  bool is_bottleneck;
  std::array<int64_t, 4> blocks;  // of each stage
  int64_t width_factor = 1;       // of the 3x3 convolutions inside bottlenecks
  int64_t base = 64;              // channels of the stem
};
constexpr ResnetShape kResnet18 = {false, {2, 2, 2, 2}};
constexpr ResnetShape kResnet50 = {true, {3, 4, 6, 3}};
constexpr ResnetShape kWideResnet50 = {true, {3, 4, 6, 3}, 2};

// weights: by PyTorch's names, float32, on the CPU; `fc.*` and `*.num_batches_tracked` may be there and are not used.
// What differs is an error that lists it, as is a variance that no batch norm can have.
Result<std::unique_ptr<Backbone>> make_resnet(const std::string& name, const ResnetShape& shape,
                                              const NamedTensors& weights, Device device = Device::cpu());

}  // namespace assay::models
