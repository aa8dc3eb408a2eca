// SPDX-License-Identifier: Apache-2.0
// What a run works on: the data set opened, its files hashed.
#pragma once

#include <string>
#include <vector>

#include "pipeline/dataset/open.h"
#include "pipeline/features/image_features.h"
#include "pipeline/run/options.h"
#include "pipeline/run/progress.h"

namespace assay::pipeline {

struct ScannedData {
  dataset::Opened opened;
  std::vector<ImageContent> train_images;  // in the order of their contents, each under its training names only
  std::vector<ImageFile> test_files;
  int64_t num_trained_and_tested = 0;  // of the test files, those whose bytes are a training image's
  std::vector<SkippedFile> problems;   // lines of lists that mean nothing, files that cannot be read
  std::string data_sha256;             // of all names, splits and contents
  std::string labels_sha256;           // of all labels, masks and kinds of defect
};

// Where the options say so, anomalies are injected into the training images or taken out of them. Test files are read
// only where that or the run's scores need them. Fails where the data set cannot be opened or holds no
// training images, or when asked to stop.
Result<ScannedData> scan(const RunOptions& options, bool with_test_files, Progress* progress);

}  // namespace assay::pipeline
