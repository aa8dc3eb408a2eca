// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/sources.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "pipeline/data/file.h"
#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/list_source.h"
#include "pipeline/dataset/mvtec_reader.h"
#include "pipeline/dataset/visa_reader.h"

namespace assay::dataset {
namespace {

namespace fs = std::filesystem;

Result<std::vector<Source>> sources_in_folder(const std::string& path, const Options& options) {
  if (looks_like_mvtec(path)) return std::vector<Source>{{path, options}};
  std::set<std::string> categories, lists;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (name.empty() || name[0] == '.') continue;
    const std::string extension = entry.path().extension().string();
    if (looks_like_mvtec(entry.path().string())) categories.insert(name);
    if (extension == ".json" || extension == ".csv") lists.insert(name);
  }
  if (error) return Status::error(path, ": ", error.message());
  std::vector<Source> sources;
  for (const std::string& category : categories) {
    Options of_category = options;
    of_category.category = category;
    if (options.category.empty() || options.category == category) sources.push_back({path, of_category});
  }
  if (!categories.empty()) return sources;
  for (const std::string& list : lists) sources.push_back({path + "/" + list, options});
  if (lists.empty()) {
    return Status::error(path, ": holds neither categories of MVTec's layout nor lists (.csv, .json)");
  }
  return sources;
}

Result<std::vector<Source>> sources_in_visa(const std::string& path, const Options& options) {
  const Result<std::vector<uint8_t>> bytes = data::read_file(path, kMaxListBytes);
  if (!bytes.ok()) return bytes.status();
  const ListSource list = {
      path, std::string_view(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()), options.root};
  if (options.kind == Kind::kAuto && !looks_like_visa(list)) return std::vector<Source>{{path, options}};
  const Result<std::vector<std::string>> objects = visa_objects(list);
  if (!objects.ok()) return objects.status();
  std::vector<Source> sources;
  for (const std::string& object : objects.value()) {
    Options of_object = options;
    of_object.kind = Kind::kVisa;
    of_object.category = object;
    if (options.category.empty() || options.category == object) sources.push_back({path, of_object});
  }
  return sources;
}

}  // namespace

Result<std::vector<Source>> find_sources(const std::string& path, const Options& options) {
  if (is_folder(path)) return sources_in_folder(path, options);
  const bool may_be_visa =
      options.kind == Kind::kVisa || (options.kind == Kind::kAuto && fs::path(path).extension().string() == ".csv");
  if (may_be_visa) return sources_in_visa(path, options);
  return std::vector<Source>{{path, options}};
}

}  // namespace assay::dataset
