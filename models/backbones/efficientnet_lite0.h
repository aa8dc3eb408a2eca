// SPDX-License-Identifier: Apache-2.0
// EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6 (Tan and Le 2019, "EfficientNet",
// and the Lite variants of the TensorFlow TPU models). 16 inverted residual blocks, trained on ImageNet.
//
// Levels: `stem`; `block0` to `block15`, a block's output after its residual sum; `block1.expand` to `block15.expand`,
// its widened input after ReLU6. A stage's last blocks: block2 (stride 4), block4 (8), block7 and block10 (16),
// block14 and block15 (32).
#pragma once

#include <memory>
#include <string>

#include "engine/io/safetensors.h"
#include "engine/tensor/tensor.h"
#include "kernels/base/status.h"
#include "models/backbones/backbone.h"

namespace assay::models {

// With the weights that are part of the binary.
Result<std::unique_ptr<Backbone>> make_efficientnet_lite0(Device device = Device::cpu());
// With the weights of a file of the same form (models/weights/README.md).
Result<std::unique_ptr<Backbone>> make_efficientnet_lite0(const io::SafetensorsReader& weights,
                                                          Device device = Device::cpu());

}  // namespace assay::models
