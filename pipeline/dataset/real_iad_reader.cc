// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/real_iad_reader.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;       // the format needs 3
constexpr int kLevelsToSearch = 4;  // the list's folder and three above: Real-IAD/realiad_jsons/realiad_jsons_sv/x.json

Result<json> parse(std::string_view text, const std::string& name) {
  bool too_deep = false;
  const auto check_depth = [&](int depth, json::parse_event_t, json&) {
    too_deep |= depth > kMaxDepth;
    return depth <= kMaxDepth;  // what lies deeper is not stored
  };
  try {
    json document = json::parse(text.begin(), text.end(), check_depth);
    if (too_deep) return Status::error(name, ": nested deeper than ", kMaxDepth, " levels");
    if (!document.is_object()) return Status::error(name, ": expected a JSON object with train and test");
    return document;
  } catch (const json::parse_error& error) {
    return Status::error(name, ": not valid JSON at byte ", error.byte);
  } catch (const json::exception&) {
    return Status::error(name, ": not valid JSON");
  }
}

// The string at `key`; `fallback` where the key is absent or null.
Result<std::string> get_string(const json& object, const char* key, const std::string& fallback,
                               const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!found->is_string()) return Status::error(where, ": ", key, " is ", found->type_name(), ", expected a string");
  return found->get<std::string>();
}

struct Meta {
  std::string prefix;
  std::string normal_class;
};

Result<Meta> read_meta(const json& document, const std::string& name) {
  const auto found = document.find("meta");
  const json meta = found == document.end() ? json::object() : *found;
  if (!meta.is_object()) return Status::error(name, ": meta is ", meta.type_name(), ", expected an object");
  Result<std::string> prefix = get_string(meta, "prefix", "", name + ": meta");
  if (!prefix.ok()) return prefix.status();
  Result<std::string> normal_class = get_string(meta, "normal_class", "OK", name + ": meta");
  if (!normal_class.ok()) return normal_class.status();
  return Meta{std::move(prefix).value(), std::move(normal_class).value()};
}

Status add_record(const json& record, const Meta& meta, const std::string& where, Split split, int64_t index,
                  Builder* builder) {
  if (!record.is_object()) return Status::error(where, ": ", record.type_name(), ", expected an object");
  Result<std::string> image = get_string(record, "image_path", "", where);
  if (!image.ok()) return image.status();
  Result<std::string> mask = get_string(record, "mask_path", "", where);
  if (!mask.ok()) return mask.status();
  Result<std::string> anomaly_class = get_string(record, "anomaly_class", "", where);
  if (!anomaly_class.ok()) return anomaly_class.status();
  if (image.value().empty()) return Status::error(where, ": no image_path");

  const auto below_prefix = [&](const std::string& path) {
    return path.empty() || path[0] == '/' || meta.prefix.empty() ? path : meta.prefix + "/" + path;
  };
  Truth truth;
  truth.mask = below_prefix(mask.value());
  if (!anomaly_class.value().empty()) truth.label = anomaly_class.value() == meta.normal_class ? 0 : 1;
  if (truth.label == 1) truth.defect = anomaly_class.value();
  return builder->add(below_prefix(image.value()), split, std::move(truth), index);
}

}  // namespace

Result<std::string> find_real_iad_root(const std::string& path) {
  std::string folder = parent_folder(path);
  for (int level = 0; level < kLevelsToSearch; ++level) {
    std::string found;
    for (const char* name : {"realiad_256", "realiad_512", "realiad_1024", "realiad_raw"}) {
      const std::string candidate = folder + "/" + name;
      if (!is_folder(candidate)) continue;
      if (!found.empty()) {
        return Status::error(path, ": both ", found, " and ", candidate, " exist; name one as the root");
      }
      found = candidate;
    }
    if (!found.empty()) return found;
    folder += "/..";
  }
  return Status::error(path, ": no folder realiad_256, realiad_512, realiad_1024 or realiad_raw beside it or above; ",
                       "name the images' folder as the root");
}

Result<Opened> read_real_iad(const ListSource& source) {
  const std::string name = base_name(source.path);
  Result<json> document = parse(source.text, name);
  if (!document.ok()) return document.status();
  Result<Meta> meta = read_meta(document.value(), name);
  if (!meta.ok()) return meta.status();
  const auto where = [name](Split split, int64_t index) { return text(name, ": ", to_string(split), "[", index, "]"); };
  Builder builder(name.substr(0, name.rfind('.')), Kind::kRealIad, source.root, where);
  for (const Split split : {Split::kTrain, Split::kTest}) {
    const auto list = document.value().find(to_string(split));
    if (list == document.value().end()) continue;
    if (!list->is_array()) {
      return Status::error(name, ": ", to_string(split), " is ", list->type_name(), ", expected a list");
    }
    for (size_t i = 0; i < list->size(); ++i) {
      const int64_t index = static_cast<int64_t>(i);
      ASSAY_RETURN_IF_ERROR(add_record((*list)[i], meta.value(), where(split, index), split, index, &builder));
    }
  }
  Result<Opened> opened = builder.finish();
  if (opened.ok() && opened.value().dataset.items.empty()) return Status::error(name, ": no image in train and test");
  return opened;
}

}  // namespace assay::dataset
