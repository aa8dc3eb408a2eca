// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/feature_cache.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/device/arithmetic.h"
#include "pipeline/data/file.h"
#include "pipeline/data/sha256.h"
#include "pipeline/run/version.h"

namespace assay::pipeline {
namespace {

namespace fs = std::filesystem;

// To be raised by whoever changes a bit of the features that a recipe means: how images are decoded and scaled, the
// backbones, the weights that are built in, the rounding to 16 bits.
constexpr int kFeatureVersion = 1;

constexpr char kKeyFile[] = "key.json";
constexpr char kRows[] = "rows";
constexpr char kType[] = "type";
constexpr char kTag[] = "features";
constexpr char kTemporary[] = ".assay-tmp-";
constexpr auto kNoWriterTakesSoLong = std::chrono::hours(1);

data::ByteView bytes_of(const std::string& s) { return {reinterpret_cast<const uint8_t*>(s.data()), s.size()}; }

std::string name_of(const std::string& sha256, FeatureCache::Precision precision) {
  return sha256 + (precision == FeatureCache::Precision::k16Bit ? ".16bit" : ".float32");
}

// What killed writers have left. Others may be at work.
void remove_leftovers(const std::string& folder) {
  std::vector<fs::path> leftovers;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().filename().string().rfind(kTemporary, 0) != 0) continue;
    const auto written = entry.last_write_time(error);
    if (!error && fs::file_time_type::clock::now() - written > kNoWriterTakesSoLong) leftovers.push_back(entry.path());
  }
  for (const fs::path& leftover : leftovers) fs::remove(leftover, error);
}

// Files of tensors know no bfloat16: the bytes of each row, and beside them the name of their type.
Tensor with_bytes_of(const Tensor& rows) {
  const auto width = static_cast<int64_t>(dtype_bytes(rows.dtype())) * rows.dim(1);
  const Tensor bytes = Tensor::empty<uint8_t>({rows.dim(0), width}, kTag);
  if (rows.bytes() > 0) std::memcpy(bytes.raw(), rows.raw(), rows.bytes());
  return bytes;
}

std::optional<Tensor> from_bytes(const Tensor& bytes, const std::string& type) {
  for (const DType dtype : {DType::kFloat16, DType::kBFloat16, DType::kFloat32}) {
    const auto size = static_cast<int64_t>(dtype_bytes(dtype));
    if (type != dtype_name(dtype) || bytes.dim(1) % size != 0) continue;
    const Tensor rows = Tensor::empty({bytes.dim(0), bytes.dim(1) / size}, dtype, kTag);
    if (rows.bytes() > 0) std::memcpy(rows.raw(), bytes.raw(), rows.bytes());
    return rows;
  }
  return std::nullopt;
}

// The digest guards against damage, not against another program's file of the same name.
std::optional<FeatureCache::Entry> entry_of(const Part& part) {
  FeatureCache::Entry entry;
  const auto rows = part.tensors.find(kRows);
  if (rows == part.tensors.end() || rows->second.rank() != 2 || !part.description.contains(kType)) return std::nullopt;
  if (rows->second.dtype() != DType::kUInt8 || !part.description[kType].is_string()) return std::nullopt;
  const std::optional<Tensor> typed = from_bytes(rows->second, part.description[kType].get<std::string>());
  if (!typed) return std::nullopt;
  entry.rows = *typed;
  const auto read = [&](const char* name, int64_t* value) {
    const auto found = part.description.find(name);
    if (found == part.description.end() || !found->is_number_integer()) return false;
    *value = found->get<int64_t>();
    return *value > 0 && *value <= (int64_t{1} << 20);
  };
  models::FeatureGrid& shape = entry.shape;
  const bool is_read = read("height", &shape.height) && read("width", &shape.width) &&
                       read("image_height", &shape.image_height) && read("image_width", &shape.image_width);
  if (!is_read || entry.rows.dim(0) < shape.height * shape.width) return std::nullopt;
  return entry;
}

}  // namespace

Result<std::unique_ptr<FeatureCache>> FeatureCache::open(const std::string& folder, const nlohmann::json& recipe,
                                                         const Device& device) {
  const std::string maker = text(kVersion, ", features ", kFeatureVersion);
  const nlohmann::json key = {{"recipe", recipe}, {"device", arithmetic_of(device)}, {"version", maker}};
  const std::string described = key.dump(2) + "\n";
  const std::string own = folder + "/" + data::sha256(bytes_of(described)).substr(0, 16);
  std::error_code error;
  fs::create_directories(own, error);
  if (error) return Status::error(own, ": cannot make the folder of the feature cache: ", error.message());
  if (::access(own.c_str(), W_OK | X_OK) != 0) {
    return Status::error(own, ": cannot write into the feature cache: ", std::strerror(errno));
  }
  remove_leftovers(own);
  const std::string key_file = own + "/" + kKeyFile;
  if (!fs::exists(key_file, error)) ASSAY_RETURN_IF_ERROR(data::write_file_atomically(key_file, bytes_of(described)));
  return std::unique_ptr<FeatureCache>(new FeatureCache(own, maker));
}

std::optional<FeatureCache::Entry> FeatureCache::get(const std::string& sha256, Precision precision) const {
  const Result<std::optional<Part>> part = parts_.get(name_of(sha256, precision));
  if (part.ok() && !part.value()) return std::nullopt;
  const std::optional<Entry> entry = part.ok() ? entry_of(*part.value()) : std::nullopt;
  ++(entry ? num_found_ : num_damaged_);
  return entry;
}

void FeatureCache::put(const std::string& sha256, Precision precision, const Entry& entry) const {
  Part part;
  part.description = {{"height", entry.shape.height},
                      {"width", entry.shape.width},
                      {"image_height", entry.shape.image_height},
                      {"image_width", entry.shape.image_width},
                      {kType, dtype_name(entry.rows.dtype())}};
  part.tensors[kRows] = with_bytes_of(entry.rows);
  if (!parts_.put(name_of(sha256, precision), part).ok()) ++num_unwritten_;
}

std::string FeatureCache::trouble() const {
  const int64_t damaged = num_damaged_, unwritten = num_unwritten_;
  if (damaged == 0 && unwritten == 0) return "";
  return text(folder_, ": ", damaged, " damaged files, computed again; ", unwritten,
              " that could not be written: is the disk full?");
}

}  // namespace assay::pipeline
