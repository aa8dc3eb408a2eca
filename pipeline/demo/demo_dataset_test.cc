// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/demo_dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "pipeline/data/image.h"
#include "pipeline/data/sha256.h"
#include "pipeline/dataset/open.h"
#include "pipeline/demo/synthetic.h"
#include "tests/support/temporary_folder.h"

namespace assay::demo {
namespace {

using testing::TemporaryFolder;

DemoOptions small_options() {
  DemoOptions options;
  options.alpha = 0.25;
  options.train_images = 8;
  options.test_normal = 2;
  options.test_anomalous = 5;
  return options;
}

// Relative path -> digest of every file below a folder.
std::map<std::string, std::string> digests_of(const std::string& root) {
  std::map<std::string, std::string> digests;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    digests[std::filesystem::relative(entry.path(), root)] = data::sha256_file(entry.path()).value();
  }
  return digests;
}

void check_files(const dataset::Opened& opened, const std::string& id) {
  const data::Image image = data::read_image(opened.dataset.path_of(id)).value();
  CHECK(image.pixels.shape() == Shape{kImageSide, kImageSide, 3});
  const dataset::Truth& truth = opened.truth.of(id);
  CHECK(truth.mask.empty() == (truth.label == 0));
  if (truth.mask.empty()) return;
  const data::Mask mask = data::read_mask(opened.dataset.path_of(truth.mask)).value();
  CHECK(mask.pixels.shape() == Shape{kImageSide, kImageSide});
  CHECK(std::count(mask.pixels.data<uint8_t>(), mask.pixels.data<uint8_t>() + mask.pixels.size(), 1) > 0);
}

TEST_CASE("the lists open as data sets: the promised numbers, images that decode, masks of flawed ones alone") {
  const TemporaryFolder folder;
  const std::vector<std::string> lists = write_demo_dataset(folder / "demo", small_options()).value();
  REQUIRE(lists.size() == std::size(kCategories));
  for (const std::string& list : lists) {
    const dataset::Opened opened = dataset::open_dataset(list).value();
    CHECK(opened.problems.empty());
    const auto flawed = [&](dataset::Split split) {
      const std::vector<std::string> ids = opened.dataset.ids(split);
      return std::count_if(ids.begin(), ids.end(), [&](const auto& id) { return opened.truth.of(id).label == 1; });
    };
    CHECK(opened.dataset.ids(dataset::Split::kTrain).size() == 8);
    CHECK(flawed(dataset::Split::kTrain) == 2);
    CHECK(opened.dataset.ids(dataset::Split::kTest).size() == 7);
    CHECK(flawed(dataset::Split::kTest) == 5);
    for (const dataset::Item& item : opened.dataset.items) {
      CAPTURE(item.id);
      check_files(opened, item.id);
    }
  }
}

TEST_CASE("names of training images say nothing, and flawed ones stand anywhere among them") {
  const TemporaryFolder folder;
  DemoOptions options = small_options();
  options.train_images = 12;
  options.test_normal = options.test_anomalous = 0;
  const std::string list = write_demo_dataset(folder.path(), options).value()[0];
  const dataset::Opened opened = dataset::open_dataset(list).value();
  const std::regex neutral("train/[0-9]{6}\\.png");
  std::vector<int> labels;
  for (const std::string& id : opened.dataset.ids(dataset::Split::kTrain)) {
    CHECK(std::regex_match(id, neutral));
    labels.push_back(opened.truth.of(id).label);
  }
  CHECK(std::count(labels.begin(), labels.end(), 1) == 3);
  CHECK(!std::is_sorted(labels.begin(), labels.end()));
  CHECK(!std::is_sorted(labels.rbegin(), labels.rend()));
}

TEST_CASE("the files are the same for any number of threads, and others for another seed") {
  const TemporaryFolder folder;
  DemoOptions options = small_options();
  options.train_images = options.test_anomalous = 1;
  const int threads = num_threads();
  set_num_threads(1);
  REQUIRE(write_demo_dataset(folder / "one", options).ok());
  set_num_threads(3);
  REQUIRE(write_demo_dataset(folder / "three", options).ok());
  set_num_threads(threads);
  options.seed = 2;
  REQUIRE(write_demo_dataset(folder / "other", options).ok());
  CHECK(digests_of(folder / "one") == digests_of(folder / "three"));
  CHECK(digests_of(folder / "one") != digests_of(folder / "other"));
}

TEST_CASE("a file in the way and options out of range are errors that name them") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "in the way";
  const auto refused = write_demo_dataset(folder / "file", small_options());
  REQUIRE(!refused.ok());
  CHECK(refused.message().find((folder / "file") + "/brushed_plate: cannot create the folder: ") == 0);
  DemoOptions options = small_options();
  options.alpha = 0.6;
  CHECK(write_demo_dataset(folder.path(), options).message() == "demo data: alpha 0.6, expected 0 to 0.5");
  options.alpha = std::numeric_limits<double>::quiet_NaN();
  CHECK(!write_demo_dataset(folder.path(), options).ok());
  options = small_options();
  options.train_images = 0;
  CHECK(write_demo_dataset(folder.path(), options).message() ==
        "demo data: number of training images 0, expected 1 to 100000");
  options = small_options();
  options.test_normal = -1;
  CHECK(!write_demo_dataset(folder.path(), options).ok());
  CHECK(folder.num_entries() == 1);
}

}  // namespace
}  // namespace assay::demo
