// SPDX-License-Identifier: Apache-2.0
#include "pipeline/training/part_store.h"

#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "engine/io/safetensors.h"
#include "pipeline/data/sha256.h"

namespace assay::pipeline {
namespace {

constexpr char kMaker[] = "maker";
constexpr char kDescription[] = "description";
constexpr char kDigest[] = "sha256";
constexpr char kTag[] = "parts";

std::string digest_of(const std::string& description, const std::map<std::string, Tensor>& tensors) {
  data::Sha256 sha;
  const auto add = [&sha](const std::string& s) {
    sha.update({reinterpret_cast<const uint8_t*>(s.data()), s.size() + 1});  // the zero ends it
  };
  add(description);
  for (const auto& [name, tensor] : tensors) {
    add(name);
    add(dtype_name(tensor.dtype()) + to_string(tensor.shape()));
    sha.update({reinterpret_cast<const uint8_t*>(tensor.raw()), tensor.bytes()});
  }
  return sha.finish();
}

}  // namespace

Status PartStore::put(const std::string& name, const Part& part) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Status::error(folder_, ": cannot make the folder: ", error.message());
  const std::string description = part.description.dump();
  const io::SafetensorsMetadata metadata = {
      {kMaker, maker_}, {kDescription, description}, {kDigest, digest_of(description, part.tensors)}};
  return io::write_safetensors(path_of(name), {part.tensors.begin(), part.tensors.end()}, metadata);
}

Result<std::optional<Part>> PartStore::get(const std::string& name) const {
  const std::string path = path_of(name);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<Part>();
  const Result<io::SafetensorsReader> reader = io::SafetensorsReader::open(path);
  if (!reader.ok()) return reader.status();
  io::SafetensorsMetadata metadata = reader.value().metadata();
  if (metadata[kMaker] != maker_) {
    return Status::error(path, ": made by version '", metadata[kMaker], "' of this program, which is '", maker_, "'");
  }
  Part part;
  for (const io::SafetensorsEntry& entry : reader.value().entries()) {
    Result<Tensor> tensor = reader.value().read(entry.name, kTag);
    if (!tensor.ok()) return tensor.status();
    part.tensors[entry.name] = std::move(tensor).value();
  }
  if (metadata[kDigest] != digest_of(metadata[kDescription], part.tensors)) {
    return Status::error(path, ": damaged: its SHA-256 is not the one it says");
  }
  part.description = nlohmann::json::parse(metadata[kDescription], nullptr, /*allow_exceptions=*/false);
  return std::optional<Part>(std::move(part));
}

void PartStore::remove(const std::string& name) const {
  std::error_code ignored;
  std::filesystem::remove(path_of(name), ignored);
}

Tensor bits_of(const std::vector<double>& values) {
  const Tensor bits = Tensor::empty<int64_t>({static_cast<int64_t>(values.size())}, kTag);
  if (!values.empty()) std::memcpy(bits.data<int64_t>(), values.data(), bits.bytes());
  return bits;
}

std::vector<double> doubles_of(const Tensor& bits) {
  std::vector<double> values(static_cast<size_t>(bits.size()));
  if (!values.empty()) std::memcpy(values.data(), bits.data<int64_t>(), bits.bytes());
  return values;
}

}  // namespace assay::pipeline
