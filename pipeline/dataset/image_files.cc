// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/image_files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <utility>

#include "pipeline/dataset/builder.h"

namespace assay::dataset {
namespace {

// Names in a folder but the hidden ones, sorted.
Result<std::vector<std::string>> list_folder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (folder == nullptr) return Status::error(std::strerror(errno));
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(folder.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    errno = 0;
  }
  if (errno != 0) return Status::error(std::strerror(errno));
  std::sort(names.begin(), names.end());
  return names;
}

class Walk {
 public:
  explicit Walk(std::string root) : root_(std::move(root)) {}

  // Depth first; `open_` holds the folders still to be read, the next one last. A loop, since depth is up to the disk.
  Result<ImageFiles> run(const std::string& below) {
    open_ = {below};
    for (bool is_top = true; !open_.empty(); is_top = false) {
      const std::string folder = std::move(open_.back());
      open_.pop_back();
      Result<std::vector<std::string>> names = enter(folder);
      if (!names.ok()) {
        if (is_top) return Status::error(full(folder), ": ", names.message());
        found_.problems.push_back({full(folder), names.message()});
        continue;
      }
      visit(folder, names.value());
      if (static_cast<int64_t>(found_.paths.size()) > kMaxImages) {
        return Status::error(root_, ": more than ", kMaxImages, " images");
      }
    }
    std::sort(found_.paths.begin(), found_.paths.end());
    return std::move(found_);
  }

 private:
  std::string full(const std::string& relative) const { return relative.empty() ? root_ : root_ + "/" + relative; }

  Result<std::vector<std::string>> enter(const std::string& folder) {
    struct stat info {};
    if (stat(full(folder).c_str(), &info) != 0) return Status::error(std::strerror(errno));
    if (!visited_.insert({info.st_dev, info.st_ino}).second) return std::vector<std::string>{};
    return list_folder(full(folder));
  }

  void visit(const std::string& folder, const std::vector<std::string>& names) {
    const size_t num_open = open_.size();
    for (const std::string& name : names) {
      const std::string relative = folder.empty() ? name : folder + "/" + name;
      struct stat info {};
      if (stat(full(relative).c_str(), &info) != 0) {
        found_.problems.push_back({full(relative), std::strerror(errno)});
      } else if (S_ISDIR(info.st_mode)) {
        open_.push_back(relative);
      } else if (S_ISREG(info.st_mode) && has_image_extension(name)) {
        found_.paths.push_back(relative);
      } else {
        if (found_.num_others++ == 0) found_.other_example = relative;
      }
    }
    std::reverse(open_.begin() + static_cast<std::ptrdiff_t>(num_open), open_.end());  // the first name is read next
  }

  std::string root_;
  std::vector<std::string> open_;
  std::set<std::pair<dev_t, ino_t>> visited_;
  ImageFiles found_;
};

}  // namespace

bool has_image_extension(const std::string& name) {
  const size_t dot = name.rfind('.');
  if (dot == std::string::npos) return false;
  std::string extension = name.substr(dot + 1);
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (const char* known : {"png", "jpg", "jpeg", "bmp", "tga", "pgm", "ppm"}) {
    if (extension == known) return true;
  }
  return false;
}

Result<ImageFiles> list_image_files(const std::string& root, const std::string& below) { return Walk(root).run(below); }

}  // namespace assay::dataset
