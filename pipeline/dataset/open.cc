// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/open.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "pipeline/data/file.h"
#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/csv_list_reader.h"
#include "pipeline/dataset/folder_reader.h"
#include "pipeline/dataset/mvtec_reader.h"
#include "pipeline/dataset/real_iad_reader.h"
#include "pipeline/dataset/visa_reader.h"

namespace assay::dataset {
namespace {

bool ends_in(const std::string& path, std::string_view lower_case_ending) {
  if (path.size() < lower_case_ending.size()) return false;
  return std::equal(lower_case_ending.begin(), lower_case_ending.end(),
                    path.end() - static_cast<std::ptrdiff_t>(lower_case_ending.size()),
                    [](char wanted, char c) { return wanted == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
}

Result<Opened> open_folder(const std::string& path, const Options& options) {
  if (!options.root.empty()) return Status::error(path, ": a root goes with a list, and this is a folder");
  std::string root = path;
  if (!options.category.empty()) {
    root += "/" + options.category;
    if (!is_folder(root)) return Status::error(path, ": no subfolder '", options.category, "' (the category)");
  }
  const bool as_mvtec = options.kind == Kind::kMvtec || (options.kind == Kind::kAuto && looks_like_mvtec(root));
  return as_mvtec ? read_mvtec(root) : read_folder(root);
}

// VisA's lists lie in split_csv/ below the root.
std::string visa_root(const std::string& path) {
  const std::string folder = parent_folder(path);
  return base_name(folder) == "split_csv" ? parent_folder(folder) : folder;
}

Result<Opened> open_list(const std::string& path, Options options) {
  const bool is_json = options.kind == Kind::kRealIad || (options.kind == Kind::kAuto && ends_in(path, ".json"));
  if (options.kind == Kind::kAuto && !is_json && !ends_in(path, ".csv")) {
    return Status::error(path, ": expected a folder, a .csv or a .json");
  }
  Result<std::vector<uint8_t>> bytes = data::read_file(path, is_json ? kMaxRealIadBytes : kMaxListBytes);
  if (!bytes.ok()) return bytes.status();
  ListSource source;
  source.path = path;
  source.text = std::string_view(reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size());
  if (options.kind == Kind::kAuto) {
    options.kind = is_json ? Kind::kRealIad : looks_like_visa(source) ? Kind::kVisa : Kind::kCsv;
  }
  if (options.kind != Kind::kVisa && !options.category.empty()) {
    return Status::error(path, ": category '", options.category, "': a list of kind ", to_string(options.kind),
                         " has none");
  }
  source.root = options.root;
  if (options.kind == Kind::kRealIad) {
    if (source.root.empty()) {
      Result<std::string> found = find_real_iad_root(path);
      if (!found.ok()) return found.status();
      source.root = found.value();
    }
    return read_real_iad(source);
  }
  if (source.root.empty()) source.root = options.kind == Kind::kVisa ? visa_root(path) : parent_folder(path);
  return options.kind == Kind::kVisa ? read_visa(source, options.category) : read_csv_list(source);
}

}  // namespace

Result<Opened> open_dataset(const std::string& path, const Options& options) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return Status::error(path, ": ", std::strerror(errno));
  const bool wants_folder = options.kind == Kind::kFolder || options.kind == Kind::kMvtec;
  if (S_ISDIR(info.st_mode)) {
    if (!wants_folder && options.kind != Kind::kAuto) {
      return Status::error(path, ": a folder, expected a list of kind ", to_string(options.kind));
    }
    return open_folder(path, options);
  }
  if (wants_folder) return Status::error(path, ": not a folder, as kind ", to_string(options.kind), " needs");
  return open_list(path, options);
}

}  // namespace assay::dataset
