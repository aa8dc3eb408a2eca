// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/builder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {

constexpr size_t kMaxPathBytes = 4095;  // what Linux opens at all

// Why `path` cannot be read as a file; empty where it can, as far as the file system's tables tell.
std::string why_no_file(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::strerror(errno);
  return S_ISREG(info.st_mode) ? "" : "not a regular file";
}

}  // namespace

Result<std::string> normalise_id(const std::string& path) {
  if (path.empty()) return Status::error("the path is empty");
  if (path.size() > kMaxPathBytes)
    return Status::error(quoted(path), ": the path is longer than ", kMaxPathBytes, " bytes");
  if (path.find('\0') != std::string::npos) return Status::error("the path contains a NUL character");
  if (path[0] == '/')
    return Status::error(quoted(path), ": the path leaves the root: it is absolute, expected a relative one");
  std::vector<std::pair<size_t, size_t>> parts;  // begin, length
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const size_t length = end - begin;
    if (path.compare(begin, length, "..") == 0) {
      if (parts.empty()) return Status::error(quoted(path), ": the path leaves the root");
      parts.pop_back();
    } else if (length > 0 && path.compare(begin, length, ".") != 0) {
      parts.emplace_back(begin, length);
    }
    begin = end + 1;
  }
  if (parts.empty()) return Status::error(quoted(path), ": the path is the root itself");
  std::string id;
  for (const auto& [begin, length] : parts) {
    if (!id.empty()) id += '/';
    id.append(path, begin, length);
  }
  return id;
}

std::string base_name(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  if (last == std::string::npos) return "";
  const size_t slash = path.rfind('/', last);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, last + 1 - begin);
}

std::string parent_folder(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  if (last == std::string::npos) return path.empty() ? "." : "/";
  const size_t slash = path.rfind('/', last);
  if (slash == std::string::npos) return ".";
  const size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_regular_file(const std::string& path) { return why_no_file(path).empty(); }

Builder::Builder(std::string name, Kind kind, std::string root, Where where) : where_(std::move(where)) {
  opened_.dataset.name = std::move(name);
  opened_.dataset.kind = kind;
  opened_.dataset.root = std::move(root);
}

Status Builder::add(const std::string& image, Split split, Truth truth, int64_t position) {
  if (static_cast<int64_t>(entries_.size()) >= kMaxImages) {
    return Status::error(where_(split, position), ": more than ", kMaxImages, " images");
  }
  Result<std::string> id = normalise_id(image);
  if (!id.ok()) return Status::error(where_(split, position), ": image: ", id.message());
  if (!truth.mask.empty()) {
    Result<std::string> mask = normalise_id(truth.mask);
    if (!mask.ok()) return Status::error(where_(split, position), ": mask: ", mask.message());
    truth.mask = std::move(mask).value();
  }
  entries_.push_back({{std::move(id).value(), split}, std::move(truth), position});
  return {};
}

void Builder::add_problem(std::string where, std::string reason) {
  opened_.problems.push_back({std::move(where), std::move(reason)});
}

Status Builder::check_duplicates() const {
  for (size_t i = 1; i < entries_.size(); ++i) {
    const Entry &first = entries_[i - 1], &second = entries_[i];
    if (first.item.id != second.item.id) continue;
    return Status::error("image ", quoted(first.item.id), " occurs twice: ", where_(first.item.split, first.position),
                         " and ", where_(second.item.split, second.position));
  }
  return {};
}

Result<Opened> Builder::finish() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.item.id, a.item.split, a.position) < std::tie(b.item.id, b.item.split, b.position);
  });
  ASSAY_RETURN_IF_ERROR(check_duplicates());
  Dataset& dataset = opened_.dataset;
  std::vector<std::pair<std::string, Truth>> truths;
  std::string first_missing;
  for (Entry& entry : entries_) {
    const std::string reason = why_no_file(dataset.path_of(entry.item.id));
    if (!reason.empty()) {
      if (first_missing.empty()) first_missing = text(dataset.path_of(entry.item.id), ": ", reason);
      add_problem(where_(entry.item.split, entry.position), text("image ", quoted(entry.item.id), ": ", reason));
      continue;
    }
    if (!entry.truth.mask.empty()) {
      const std::string no_mask = why_no_file(dataset.path_of(entry.truth.mask));
      if (!no_mask.empty()) {
        add_problem(where_(entry.item.split, entry.position), text("mask ", quoted(entry.truth.mask), ": ", no_mask));
        entry.truth.mask.clear();
      }
    }
    truths.emplace_back(entry.item.id, std::move(entry.truth));
    dataset.items.push_back(std::move(entry.item));
  }
  if (dataset.items.empty() && !entries_.empty()) {
    return Status::error(dataset.name, ": none of the ", entries_.size(), " images exists below ", quoted(dataset.root),
                         " (the first: ", first_missing, "); is that the root?");
  }
  entries_.clear();
  opened_.truth = GroundTruth(std::move(truths));
  return std::move(opened_);
}

}  // namespace assay::dataset
