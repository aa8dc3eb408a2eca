// SPDX-License-Identifier: Apache-2.0
#include "models/backbones/weight_file.h"

#include <utility>

#include "engine/io/pytorch_file.h"
#include "engine/io/safetensors.h"
#include "engine/ops/convert_float16.h"

namespace assay::models {
namespace {

constexpr char kTag[] = "parameters";

bool is_floating(io::PytorchElement element) {
  return element == io::PytorchElement::kFloat32 || element == io::PytorchElement::kFloat16 ||
         element == io::PytorchElement::kBFloat16 || element == io::PytorchElement::kFloat64;
}

Result<NamedTensors> read_pytorch(const std::string& path) {
  const Result<io::PytorchReader> reader = io::PytorchReader::open(path);
  if (!reader.ok()) return reader.status();
  NamedTensors tensors;
  for (const io::PytorchEntry& entry : reader.value().entries()) {
    if (!is_floating(entry.element)) continue;
    Result<Tensor> tensor = reader.value().read(entry.name, kTag);
    if (!tensor.ok()) return tensor.status();
    tensors.push_back({entry.name, std::move(tensor).value()});
  }
  return tensors;
}

Result<NamedTensors> read_safetensors(const std::string& path) {
  const Result<io::SafetensorsReader> reader = io::SafetensorsReader::open(path);
  if (!reader.ok()) return reader.status();
  NamedTensors tensors;
  for (const io::SafetensorsEntry& entry : reader.value().entries()) {
    if (entry.dtype != DType::kFloat32 && entry.dtype != DType::kFloat16) continue;
    Result<Tensor> tensor = reader.value().read(entry.name, kTag);
    if (!tensor.ok()) return tensor.status();
    const bool is_half = entry.dtype == DType::kFloat16;
    tensors.push_back({entry.name, is_half ? ops::to_float32(tensor.value(), kTag) : std::move(tensor).value()});
  }
  return tensors;
}

}  // namespace

Result<NamedTensors> read_weight_file(const std::string& path) {
  const Result<bool> is_pytorch = io::PytorchReader::is_pytorch_file(path);
  if (!is_pytorch.ok()) return is_pytorch.status();
  Result<NamedTensors> tensors = is_pytorch.value() ? read_pytorch(path) : read_safetensors(path);
  if (tensors.ok() && tensors.value().empty()) return Status::error(path, ": holds no floating-point tensors");
  return tensors;
}

}  // namespace assay::models
