// SPDX-License-Identifier: Apache-2.0
#include "pipeline/dataset/folder_reader.h"

#include <utility>

#include "pipeline/dataset/builder.h"
#include "pipeline/dataset/image_files.h"
#include "pipeline/dataset/quoted.h"

namespace assay::dataset {

Result<Opened> read_folder(const std::string& root) {
  Result<ImageFiles> files = list_image_files(root, "");
  if (!files.ok()) return files.status();
  const ImageFiles& found = files.value();
  if (found.paths.empty()) {
    const std::string others =
        found.num_others == 0 ? "" : text("; ", found.num_others, " other files, as ", quoted(found.other_example));
    return Status::error(root, ": no image in this folder (png, jpg, bmp, tga, pgm, ppm)", others);
  }
  Builder builder(base_name(root), Kind::kFolder, root, [&](Split, int64_t) { return root; });
  for (const Problem& problem : found.problems) builder.add_problem(problem.where, problem.reason);
  for (const std::string& path : found.paths) ASSAY_RETURN_IF_ERROR(builder.add(path, Split::kTrain, {}, 0));
  return builder.finish();
}

}  // namespace assay::dataset
