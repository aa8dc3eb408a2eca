// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage1/distance_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "tests/support/synthetic_features.h"
#include "tests/support/temporary_folder.h"

namespace assay::pipeline {
namespace {

using testing::SyntheticFeatures;
using testing::SyntheticOptions;
using testing::TemporaryFolder;

constexpr int64_t kEnough = int64_t{1} << 30;

const SyntheticFeatures& source() {
  static const SyntheticFeatures features([] {
    SyntheticOptions options;
    options.num_images = 12;
    return options;
  }());
  return features;
}

const std::vector<int64_t> kImages = {3, 0, 7, 8, 11};

const models::BankSpace& space() {
  static const models::BankSpace fitted = models::BankSpace::fit(source(), kImages, {}, 4);
  return fitted;
}

std::unique_ptr<DistanceTable> table_of(int64_t budget, const std::string& folder) {
  Progress progress;
  return DistanceTable::compute(source(), kImages, space(), budget, folder, &progress).value();
}

std::vector<float> values(const Tensor& t) { return {t.data<float>(), t.data<float>() + t.size()}; }

TEST_CASE("entries are squared distances to the nearest reference cell of each image") {
  const std::unique_ptr<DistanceTable> table = table_of(kEnough, "");
  REQUIRE(table->num_images() == static_cast<int64_t>(kImages.size()));
  for (size_t i = 0; i < kImages.size(); ++i) {
    const models::FeatureGrid grid = source().read(kImages[i]);
    const Tensor rows = table->rows_of(static_cast<int64_t>(i));
    REQUIRE(rows.shape() == Shape{grid.rows.dim(0), table->num_images()});
    for (size_t j = 0; j < kImages.size(); ++j) {
      const models::FeatureGrid other = source().read(kImages[j]);
      const std::vector<int64_t> cells = space().reference_cells(other.rows.dim(0), source().content_key(kImages[j]));
      for (int64_t p = 0; p < rows.dim(0); ++p) {
        double least = INFINITY;  // between features: without whitening and truncation the space only rotates them
        for (const int64_t cell : cells) {
          double sum = 0;
          for (int64_t d = 0; d < 16; ++d) {
            const double difference =
                double{grid.rows.data<float>()[p * 16 + d]} - other.rows.data<float>()[cell * 16 + d];
            sum += difference * difference;
          }
          least = std::min(least, sum);
        }
        const double found = rows.data<float>()[p * table->num_images() + static_cast<int64_t>(j)];
        CHECK(std::abs(found - least) <= least / 2048 + 1e-5 * (1 + least));
      }
    }
  }
}

TEST_CASE("an image's own column is nearly 0 where a cell is one of its references, and there alone") {
  const std::unique_ptr<DistanceTable> table = table_of(kEnough, "");
  for (size_t i = 0; i < kImages.size(); ++i) {
    const Tensor rows = table->rows_of(static_cast<int64_t>(i));
    const std::vector<int64_t> cells = space().reference_cells(rows.dim(0), source().content_key(kImages[i]));
    for (int64_t p = 0; p < rows.dim(0); ++p) {
      const float own = rows.data<float>()[p * table->num_images() + static_cast<int64_t>(i)];
      CHECK((own < 1e-3f) == std::binary_search(cells.begin(), cells.end(), p));
    }
  }
}

TEST_CASE("what lies in a file is what would lie in memory") {
  const TemporaryFolder folder;
  const std::unique_ptr<DistanceTable> in_memory = table_of(kEnough, "");
  for (const int64_t budget : {0, 1500}) {
    const std::unique_ptr<DistanceTable> spilled = table_of(budget, folder.path());
    for (int64_t i = 0; i < in_memory->num_images(); ++i) {
      CHECK(values(spilled->rows_of(i)) == values(in_memory->rows_of(i)));
    }
  }
}

TEST_CASE("the bytes needed are those of one float16 for each patch and image") {
  int64_t cells = 0;
  for (const int64_t image : kImages) cells += source().read(image).rows.dim(0);
  CHECK(DistanceTable::bytes_needed(source(), kImages) == cells * 5 * 2);
  CHECK(DistanceTable::bytes_needed(source(), {}) == 0);
}

TEST_CASE("distances beyond the range of float16 stay finite") {
  SyntheticOptions options;
  options.num_images = 6;
  options.anomalous_share = 0.2;
  options.shift = 1e4;
  const SyntheticFeatures far(options);
  const std::vector<int64_t> images = {0, 1, 2, 3, 4, 5};
  Progress progress;
  const std::unique_ptr<DistanceTable> table =
      DistanceTable::compute(far, images, models::BankSpace::fit(far, images, {}, 4), kEnough, "", &progress).value();
  float largest = 0;
  for (const int64_t i : images) {
    for (const float v : values(table->rows_of(i))) largest = std::max(largest, v);
  }
  CHECK(largest == 65504);
}

class StopAfter : public Progress {
 public:
  explicit StopAfter(int64_t steps) : left_(steps) {}
  bool stop_requested() override { return left_-- <= 0; }

 private:
  int64_t left_;
};

TEST_CASE("a table stops when asked to, and says when it has no place") {
  StopAfter stop(2);
  CHECK(DistanceTable::compute(source(), kImages, space(), kEnough, "", &stop).message() == kInterrupted);
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "not a folder";
  Progress progress;
  CHECK_FALSE(DistanceTable::compute(source(), kImages, space(), 0, folder / "file", &progress).ok());
}

}  // namespace
}  // namespace assay::pipeline
