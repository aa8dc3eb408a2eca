// SPDX-License-Identifier: Apache-2.0
#include "models/memory_bank/memory_bank.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/device/stream.h"
#include "engine/ops/coreset_greedy.h"
#include "kernels/random/generator.h"

namespace assay::models {
namespace {

constexpr uint64_t kCoresetStream = 0x636f7265736574ull;

}  // namespace

MemoryBank::MemoryBank(const BankSpace& space, const Tensor& rows) : space_(space), rows_(rows), packed_(rows) {}

ops::NearestNeighbour MemoryBank::nearest(const FeatureGrid& grid) const {
  return ops::nearest_neighbour(space_.project(grid), packed_);
}

nlohmann::json MemoryBank::save(const std::string& name, std::map<std::string, Tensor>* tensors) const {
  (*tensors)[name + ".bank"] = rows_.to(Device::cpu(), "model");
  return {{"space", space_.save(tensors)}};
}

Result<MemoryBank> MemoryBank::load(const std::string& name, const nlohmann::json& description,
                                    const std::map<std::string, Tensor>& tensors, Device device) {
  const auto described = description.find("space");
  const auto rows = tensors.find(name + ".bank");
  if (described == description.end() || rows == tensors.end()) return Status::error(name, ": the bank is missing");
  Result<BankSpace> space = BankSpace::load(*described, tensors, device);
  if (!space.ok()) return Status::error(name, ": ", space.message());
  const Tensor& bank = rows->second;
  if (bank.dtype() != DType::kFloat32 || bank.rank() != 2 || bank.dim(0) < 1 || bank.dim(1) != space.value().width()) {
    return Status::error(name, ": a bank of shape ", to_string(bank.shape()), ", expected (N, ", space.value().width(),
                         ") float32");
  }
  for (int64_t i = 0; i < bank.size(); ++i) {
    if (!std::isfinite(bank.data<float>()[i])) {
      return Status::error(name, ": the bank holds a number that is not finite");
    }
  }
  return MemoryBank(space.value(), bank.to(device, "memory bank"));
}

Tensor concatenate_rows(const std::vector<Tensor>& parts, int64_t width, Device device) {
  int64_t total = 0;
  for (const Tensor& part : parts) total += part.dim(0);
  const Tensor all = Tensor::empty<float>({total, width}, "memory bank", device);
  int64_t begin = 0;
  for (const Tensor& part : parts) {
    copy(part, all.rows(begin, begin + part.dim(0)), current_stream(device));
    begin += part.dim(0);
  }
  return all;
}

Tensor greedy_coreset(const Tensor& rows, int64_t count, uint64_t seed) {
  kernels::Generator generator(seed, kCoresetStream);
  const int64_t start = static_cast<int64_t>(generator.below(static_cast<uint64_t>(rows.dim(0))));
  return ops::coreset_greedy(rows, count, start).index;
}

int64_t coreset_size(double ratio, int64_t num_rows) {
  return std::max<int64_t>(1, std::llround(ratio * static_cast<double>(num_rows)));
}

}  // namespace assay::models
