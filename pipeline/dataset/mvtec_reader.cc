// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/mvtec_reader.h"

#include <utility>

#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/image_files.h"
#include "pipeline/dataset/quoted.h"

namespace assay::dataset {
namespace {

constexpr const char* kGood = "good";

// The mask of `image` ("<defect>/<name>.jpg"), relative to the root; empty where there is none.
std::string find_mask(const std::string& root, const std::string& image) {
  const std::string stem = "ground_truth/" + image.substr(0, image.rfind('.'));
  for (const char* ending : {"_mask.png", ".png"}) {
    if (is_regular_file(root + "/" + stem + ending)) return stem + ending;
  }
  return "";
}

class MvtecReader {
 public:
  explicit MvtecReader(const std::string& root)
      : root_(root),
        builder_(base_name(root), Kind::kMvtec, root, [root](Split, int64_t) { return root; }),
        has_ground_truth_(is_folder(root + "/ground_truth")) {}

  Status read_split(Split split) {
    const std::string below = to_string(split);
    Result<ImageFiles> files = list_image_files(root_, below);
    if (!files.ok()) return files.status();
    const bool folders_are_labels = split == Split::kTest || is_folder(root_ + "/train/" + kGood);
    for (const Problem& problem : files.value().problems) builder_.add_problem(problem.where, problem.reason);
    for (const std::string& path : files.value().paths) {
      const std::string inner = path.substr(below.size() + 1);
      Truth truth = folders_are_labels ? truth_of(inner) : Truth{};
      if (split == Split::kTest && has_ground_truth_ && truth.label == 1 && truth.mask.empty()) {
        builder_.add_problem(root_ + "/" + path,
                             text("no mask ground_truth/", inner.substr(0, inner.rfind('.')), "_mask.png"));
      }
      ASSAY_RETURN_IF_ERROR(builder_.add(path, split, std::move(truth), 0));
    }
    return {};
  }

  Result<Opened> finish() {
    Result<Opened> opened = builder_.finish();
    if (opened.ok() && opened.value().dataset.items.empty()) {
      return Status::error(root_, ": no image in train/ and test/ (png, jpg, bmp, tga, pgm, ppm)");
    }
    return opened;
  }

 private:
  // `inner` is a path below train/ or test/.
  Truth truth_of(const std::string& inner) const {
    const size_t slash = inner.find('/');
    if (slash == std::string::npos) return {};
    const std::string folder = inner.substr(0, slash);
    if (folder == kGood) return {0, "", ""};
    return {1, find_mask(root_, inner), folder};
  }

  std::string root_;
  Builder builder_;
  bool has_ground_truth_;
};

}  // namespace

bool looks_like_mvtec(const std::string& root) { return is_folder(root + "/train") && is_folder(root + "/test"); }

Result<Opened> read_mvtec(const std::string& root) {
  if (!looks_like_mvtec(root))
    return Status::error(root, ": expected folders train/ and test/, the layout of MVTec AD");
  MvtecReader reader(root);
  ASSAY_RETURN_IF_ERROR(reader.read_split(Split::kTrain));
  ASSAY_RETURN_IF_ERROR(reader.read_split(Split::kTest));
  return reader.finish();
}

}  // namespace assay::dataset
