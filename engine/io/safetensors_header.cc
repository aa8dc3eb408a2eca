// SPDX-License-Identifier: Apache-2.0
#include "engine/io/safetensors_header.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

namespace assay::io {
namespace {

using Json = nlohmann::json;

constexpr const char* kMetadataKey = "__metadata__";
constexpr int kMaxDepth = 3;    // header, tensor, shape
constexpr size_t kMaxRank = 8;  // of a tensor in a file

struct DTypeName {
  DType dtype;
  const char* name;
};
constexpr DTypeName kDTypeNames[] = {{DType::kFloat32, "F32"},
                                     {DType::kFloat16, "F16"},
                                     {DType::kUInt8, "U8"},
                                     {DType::kInt32, "I32"},
                                     {DType::kInt64, "I64"}};

// Names from a file may hold anything and be of any length.
std::string quoted(const std::string& name) {
  constexpr size_t kMaxShown = 100;
  std::string s = Json(name.substr(0, kMaxShown)).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
  return name.size() > kMaxShown ? s + "..." : s;
}

// The library keeps one of several values under the same key, so keys are watched while it parses.
Result<Json> parse_json(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::optional<Status> fault;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second && !fault) fault = Status::error("the header names ", quoted(key), " twice");
    }
    if (depth > kMaxDepth && !fault) fault = Status::error("the header is nested deeper than a tensor's shape");
    return !fault;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (fault) return *fault;
  if (json.is_discarded()) return Status::error("the header is not valid JSON");
  if (!json.is_object()) return Status::error("the header is JSON but not an object");
  return json;
}

Result<SafetensorsMetadata> parse_metadata(const Json& json) {
  if (!json.is_object()) return Status::error(kMetadataKey, " is not an object of strings");
  SafetensorsMetadata metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return Status::error(kMetadataKey, " holds a value that is not a string: ", quoted(key));
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

bool read_size(const Json& json, int64_t* size) {
  if (!json.is_number_unsigned()) return false;
  const auto value = json.get<uint64_t>();
  if (value > static_cast<uint64_t>(INT64_MAX)) return false;
  *size = static_cast<int64_t>(value);
  return true;
}

Result<DType> parse_dtype(const Json& json) {
  if (!json.is_string()) return Status::error("dtype is not a string");
  const auto& found = json.get_ref<const std::string&>();
  for (const auto& known : kDTypeNames) {
    if (found == known.name) return known.dtype;
  }
  return Status::error("dtype ", quoted(found), ", expected F32, F16, U8, I32 or I64");
}

// -1 where the product does not fit.
int64_t bytes_of(const Shape& shape, DType dtype) {
  auto bytes = static_cast<int64_t>(dtype_bytes(dtype));
  for (const int64_t axis : shape) {
    if (__builtin_mul_overflow(bytes, axis, &bytes)) return -1;
  }
  return bytes;
}

// Messages follow the tensor's name.
Result<SafetensorsEntry> parse_entry(const Json& json) {
  if (!json.is_object()) return Status::error("is not an object");
  const bool has_all = json.contains("dtype") && json.contains("shape") && json.contains("data_offsets");
  if (!has_all || json.size() != 3) return Status::error("expected exactly dtype, shape and data_offsets");
  SafetensorsEntry entry;
  const Result<DType> dtype = parse_dtype(json["dtype"]);
  if (!dtype.ok()) return dtype.status();
  entry.dtype = dtype.value();
  const Json& shape = json["shape"];
  if (!shape.is_array() || shape.size() > kMaxRank) {
    return Status::error("shape is not an array of at most ", kMaxRank, " sizes");
  }
  for (const Json& axis : shape) {
    entry.shape.push_back(0);
    if (!read_size(axis, &entry.shape.back())) return Status::error("shape holds ", axis.dump(), ", expected a size");
  }
  const Json& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !read_size(offsets[0], &entry.begin) ||
      !read_size(offsets[1], &entry.end) || entry.begin > entry.end) {
    return Status::error("data_offsets are not two sizes in rising order");
  }
  const int64_t bytes = bytes_of(entry.shape, entry.dtype);
  if (bytes < 0) return Status::error("shape ", to_string(entry.shape), " has more bytes than int64 counts");
  if (bytes != entry.end - entry.begin) {
    return Status::error("shape ", to_string(entry.shape), " of ", safetensors_dtype_name(entry.dtype), " takes ",
                         bytes, " bytes, data_offsets span ", entry.end - entry.begin);
  }
  return entry;
}

Status check_cover(const std::vector<SafetensorsEntry>& entries, int64_t data_bytes) {
  int64_t at = 0;
  for (const auto& e : entries) {
    if (e.end > data_bytes) {
      return Status::error("tensor ", quoted(e.name), " ends at byte ", e.end, " of the data, the file has ",
                           data_bytes);
    }
    if (e.begin != at) {
      return Status::error("tensor ", quoted(e.name), " begins at byte ", e.begin, " of the data, expected ", at,
                           e.begin < at ? " (overlap)" : " (hole)");
    }
    at = e.end;
  }
  if (at != data_bytes) return Status::error("the tensors take ", at, " bytes of data, the file has ", data_bytes);
  return {};
}

}  // namespace

const char* safetensors_dtype_name(DType dtype) {
  for (const auto& known : kDTypeNames) {
    if (known.dtype == dtype) return known.name;
  }
  return "?";
}

Result<SafetensorsHeader> parse_safetensors_header(std::string_view text, int64_t data_bytes) {
  const Result<Json> json = parse_json(text);
  if (!json.ok()) return json.status();
  SafetensorsHeader header;
  for (const auto& [name, value] : json.value().items()) {
    if (name == kMetadataKey) {
      Result<SafetensorsMetadata> metadata = parse_metadata(value);
      if (!metadata.ok()) return metadata.status();
      header.metadata = std::move(metadata).value();
      continue;
    }
    Result<SafetensorsEntry> entry = parse_entry(value);
    if (!entry.ok()) return Status::error("tensor ", quoted(name), ": ", entry.message());
    entry.value().name = name;
    header.entries.push_back(std::move(entry).value());
  }
  std::stable_sort(header.entries.begin(), header.entries.end(),
                   [](const auto& a, const auto& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  ASSAY_RETURN_IF_ERROR(check_cover(header.entries, data_bytes));
  return header;
}

Result<SafetensorsLayout> safetensors_layout(const std::vector<SafetensorsDeclaration>& tensors,
                                             const SafetensorsMetadata& metadata) {
  SafetensorsLayout layout;
  // Ordered, so that the file reads like the declarations.
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  if (!metadata.empty()) json[kMetadataKey] = metadata;
  std::set<std::string> names = {kMetadataKey};
  for (const auto& t : tensors) {
    if (!names.insert(t.name).second) return Status::error("tensor ", quoted(t.name), ": this name is taken");
    if (t.shape.size() > kMaxRank) return Status::error("tensor ", quoted(t.name), ": more than ", kMaxRank, " axes");
    if (std::any_of(t.shape.begin(), t.shape.end(), [](int64_t axis) { return axis < 0; })) {
      return Status::error("tensor ", quoted(t.name), ": shape ", to_string(t.shape), " has a negative axis");
    }
    int64_t end = 0;
    const int64_t bytes = bytes_of(t.shape, t.dtype);
    if (bytes < 0 || __builtin_add_overflow(layout.data_bytes, bytes, &end)) {
      return Status::error("tensor ", quoted(t.name), ": shape ", to_string(t.shape),
                           " takes the data past what int64 counts");
    }
    json.push_back(
        {t.name,
         {{"dtype", safetensors_dtype_name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {layout.data_bytes, end}}}});
    layout.data_bytes = end;
  }
  try {
    layout.json = json.dump();
  } catch (const Json::exception&) {
    return Status::error("a tensor's name or a metadata string is not valid UTF-8");
  }
  constexpr size_t kAlignment = 8;
  layout.json.append((kAlignment - layout.json.size() % kAlignment) % kAlignment, ' ');
  if (layout.json.size() > static_cast<size_t>(kMaxSafetensorsHeaderBytes)) {
    return Status::error("the header takes ", layout.json.size(), " bytes, at most ", kMaxSafetensorsHeaderBytes,
                         " are read back");
  }
  return layout;
}

}  // namespace assay::io
