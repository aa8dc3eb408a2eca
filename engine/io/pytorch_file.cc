// SPDX-License-Identifier: Apache-2.0
#include "engine/io/pytorch_file.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "engine/io/pytorch_layout.h"

namespace assay::io {
namespace {

constexpr char kZipStart[] = "PK\x03\x04";
// Protocol 2 and the ten bytes of torch.serialization's magic number.
constexpr char kLegacyStart[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

Result<std::string> first_bytes(const ByteSource& source) {
  std::string start(std::min<size_t>(static_cast<size_t>(source.bytes()), sizeof kLegacyStart - 1), '\0');
  ASSAY_RETURN_IF_ERROR(source.read(0, static_cast<int64_t>(start.size()), start.data()));
  return start;
}

bool is_zip(const std::string& start) { return start.compare(0, 4, kZipStart, 4) == 0; }
bool is_legacy(const std::string& start) { return start == std::string(kLegacyStart, sizeof kLegacyStart - 1); }

template <class T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float half_to_float(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float sign = bits & 0x8000 ? -1.0f : 1.0f;
  if (exponent == 31) return fraction ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
}

float bfloat_to_float(uint16_t bits) {
  const uint32_t wide = uint32_t{bits} << 16;
  float value;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

// False where an integer is not exact in float32.
bool element_value(PytorchElement element, const char* at, float* value) {
  const auto integer = [value](int64_t number) {
    *value = static_cast<float>(number);
    return std::abs(static_cast<double>(number)) <= 16777216.0;
  };
  switch (element) {
    case PytorchElement::kFloat32:
      *value = load<float>(at);
      return true;
    case PytorchElement::kFloat16:
      *value = half_to_float(load<uint16_t>(at));
      return true;
    case PytorchElement::kBFloat16:
      *value = bfloat_to_float(load<uint16_t>(at));
      return true;
    case PytorchElement::kFloat64:
      *value = static_cast<float>(load<double>(at));
      return true;
    case PytorchElement::kInt64:
      return integer(load<int64_t>(at));
    case PytorchElement::kInt32:
      return integer(load<int32_t>(at));
    case PytorchElement::kInt16:
      return integer(load<int16_t>(at));
    case PytorchElement::kInt8:
      return integer(load<int8_t>(at));
    case PytorchElement::kUInt8:
    case PytorchElement::kBool:
      return integer(load<uint8_t>(at));
  }
  return false;
}

bool is_dense(const PytorchEntry& entry) {
  int64_t expected = 1;
  for (size_t axis = entry.shape.size(); axis-- > 0;) {
    if (entry.shape[axis] != 1 && entry.strides[axis] != expected) return false;
    expected *= entry.shape[axis];
  }
  return true;
}

// Calls visit(i, offset) for every element in row-major order; offset counts elements from the first.
template <class Visit>
bool for_each_element(const PytorchEntry& entry, int64_t count, const Visit& visit) {
  std::vector<int64_t> at(entry.shape.size(), 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (!visit(i, offset)) return false;
    for (size_t axis = at.size(); axis-- > 0;) {
      offset += entry.strides[axis];
      if (++at[axis] < entry.shape[axis]) break;
      offset -= at[axis] * entry.strides[axis];
      at[axis] = 0;
    }
  }
  return true;
}

}  // namespace

Result<bool> PytorchReader::is_pytorch_file(const std::string& path) {
  const Result<std::unique_ptr<ByteSource>> source = ByteSource::open(path);
  if (!source.ok()) return source.status();
  const Result<std::string> start = first_bytes(*source.value());
  if (!start.ok()) return Status::error(path, ": ", start.message());
  return is_zip(start.value()) || is_legacy(start.value());
}

Result<PytorchReader> PytorchReader::open(const std::string& path) {
  Result<std::unique_ptr<ByteSource>> source = ByteSource::open(path);
  if (!source.ok()) return source.status();
  PytorchReader reader;
  reader.name_ = path;
  reader.source_ = std::move(source).value();
  const Result<std::string> start = first_bytes(*reader.source_);
  if (!start.ok()) return Status::error(path, ": ", start.message());
  if (!is_zip(start.value()) && !is_legacy(start.value())) return Status::error(path, ": not a file of torch.save");
  const Result<PytorchLayout> layout =
      is_zip(start.value()) ? read_zip_layout(*reader.source_) : read_legacy_layout(*reader.source_);
  if (!layout.ok()) return Status::error(path, ": ", layout.message());
  Result<std::vector<PytorchEntry>> entries = state_dict_entries(layout.value());
  if (!entries.ok()) return Status::error(path, ": ", entries.message());
  reader.entries_ = std::move(entries).value();
  for (size_t i = 0; i < reader.entries_.size(); ++i) {
    if (!reader.index_.emplace(reader.entries_[i].name, i).second) {
      return Status::error(path, ": two tensors are named ", reader.entries_[i].name);
    }
  }
  return reader;
}

const PytorchEntry* PytorchReader::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &entries_[found->second];
}

Result<Tensor> PytorchReader::read(std::string_view name, const char* tag) const {
  const PytorchEntry* entry = find(name);
  if (entry == nullptr) return Status::error(name_, ": no tensor \"", name, "\" among its ", entries_.size());
  const Tensor tensor = Tensor::empty<float>(entry->shape, tag);
  float* to = tensor.data<float>();
  const int64_t count = tensor.size();
  if (count == 0) return tensor;
  const int64_t size = element_bytes(entry->element);
  int64_t extent = 1;
  for (size_t axis = 0; axis < entry->shape.size(); ++axis) extent += (entry->shape[axis] - 1) * entry->strides[axis];
  Status status;
  bool is_exact = true;
  if (entry->element == PytorchElement::kFloat32 && is_dense(*entry)) {
    status = source_->read(entry->begin, count * size, to);
  } else {
    std::string bytes(static_cast<size_t>(extent * size), '\0');
    status = source_->read(entry->begin, extent * size, bytes.data());
    if (status.ok()) {
      is_exact = for_each_element(*entry, count, [&](int64_t i, int64_t offset) {
        return element_value(entry->element, bytes.data() + offset * size, to + i);
      });
    }
  }
  if (!status.ok()) return Status::error(name_, ": tensor \"", name, "\": ", status.message());
  if (!is_exact) return Status::error(name_, ": tensor \"", name, "\" holds integers beyond float32");
  return tensor;
}

}  // namespace assay::io
