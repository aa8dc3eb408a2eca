// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/image_features.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "kernels/base/parallel.h"
#include "pipeline/model/feature_recipe.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_images.h"

namespace assay::pipeline {
namespace {

using testing::TemporaryFolder;

constexpr int kNumImages = 9;

void put(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

// Image i under the name name(i).
template <class Name>
std::vector<ImageFile> write_images(const TemporaryFolder& folder, const Name& name) {
  std::vector<ImageFile> files;
  for (int i = 0; i < kNumImages; ++i) {
    files.push_back({name(i), folder / name(i)});
    testing::write_tiny_image(files.back().path, testing::tiny_image(i, false));
  }
  return files;
}

std::vector<ImageFile> write_images(const TemporaryFolder& folder) {
  return write_images(folder, [](int i) { return std::to_string(i) + ".png"; });
}

HashedFiles hashed(const std::vector<ImageFile>& files) {
  Progress progress;
  return hash_files(files, &progress).value();
}

std::vector<std::string> digests(const HashedFiles& files) {
  std::vector<std::string> result;
  for (const ImageContent& image : files.images) result.push_back(image.sha256);
  return result;
}

const models::PatchFeatures& extractor() {
  static const std::unique_ptr<models::PatchFeatures> made = make_patch_features(default_feature_recipe()).value();
  return *made;
}

FeatureOptions small(const TemporaryFolder& folder, int64_t budget = int64_t{1} << 30) {
  FeatureOptions options;
  options.input_size.image_size = testing::kTinySide;
  options.memory_budget = budget;
  options.spill_folder = folder.path();
  return options;
}

std::unique_ptr<ImageFeatures> compute(const std::vector<ImageContent>& images, const FeatureOptions& options) {
  Progress progress;
  auto computed = ImageFeatures::compute(images, extractor(), options, &progress);
  REQUIRE_MESSAGE(computed.ok(), computed.message());
  return std::move(computed).value();
}

std::string bits(const ImageFeatures& features) {
  std::string all;
  for (int64_t i = 0; i < features.num_images(); ++i) {
    const models::FeatureGrid grid = features.read(i);
    all.append(reinterpret_cast<const char*>(grid.rows.raw()), grid.rows.bytes());
  }
  return all;
}

TEST_CASE("the order of images follows from their bytes, not from names or the list") {
  const TemporaryFolder folder, other;
  std::vector<ImageFile> files = write_images(folder);
  const std::vector<std::string> expected = digests(hashed(files));
  CHECK(expected.size() == kNumImages);
  CHECK(std::is_sorted(expected.begin(), expected.end()));
  std::reverse(files.begin(), files.end());
  CHECK(digests(hashed(files)) == expected);
  CHECK(digests(hashed(write_images(other, [](int i) { return "z" + std::to_string(99 - 7 * i); }))) == expected);
}

TEST_CASE("files of the same bytes are one image with all their ids, whatever the list's order") {
  const TemporaryFolder folder;
  std::vector<ImageFile> files = write_images(folder);
  for (const char* copy : {"0 copy.png", "a.png", "!.png"}) {
    std::filesystem::copy_file(folder / "4.png", folder / copy);
    files.push_back({copy, folder / copy});
  }
  std::sort(files.begin(), files.end(), [](const ImageFile& a, const ImageFile& b) { return a.id < b.id; });
  do {
    const HashedFiles found = hashed({files.begin(), files.end()});
    REQUIRE(found.images.size() == kNumImages);
    for (const ImageContent& image : found.images) {
      if (image.ids.size() == 1) continue;
      CHECK(image.ids == std::vector<std::string>{"!.png", "0 copy.png", "4.png", "a.png"});
      CHECK(image.path == folder / "!.png");
    }
    std::rotate(files.begin(), files.begin() + 5, files.end());
  } while (files[0].id != "!.png");
}

TEST_CASE("files that cannot be read or decoded are left out, each id with its reason") {
  const TemporaryFolder folder;
  std::vector<ImageFile> files = write_images(folder);
  put(folder / "text.png", "not an image");
  put(folder / "copy of text.png", "not an image");
  put(folder / "empty.png", "");
  std::ifstream whole(folder / "0.png", std::ios::binary);
  const std::string png(std::istreambuf_iterator<char>(whole), {});
  put(folder / "cut.png", png.substr(0, png.size() / 2));
  put(folder / "cut.jpg", std::string("\xff\xd8\xff\xe0\0\x10JFIF", 10));
  std::filesystem::create_directory(folder / "folder.png");
  for (const char* bad :
       {"text.png", "copy of text.png", "empty.png", "cut.png", "cut.jpg", "folder.png", "gone.png"}) {
    files.insert(files.begin(), {bad, folder / bad});
  }
  const HashedFiles found = hashed(files);
  REQUIRE(found.skipped.size() == 2);
  CHECK(found.skipped[0].id == "folder.png");
  CHECK(found.skipped[1].id == "gone.png");
  CHECK(found.skipped[1].reason.find("No such file") != std::string::npos);
  const auto features = compute(found.images, small(folder));
  CHECK(features->num_images() == kNumImages);
  std::vector<std::string> ids;
  for (const SkippedFile& s : features->skipped()) {
    ids.push_back(s.id);
    CHECK_FALSE(s.reason.empty());
  }
  CHECK(ids == std::vector<std::string>{"copy of text.png", "cut.jpg", "cut.png", "empty.png", "text.png"});
  // What is left are the features of the good images, under their own indices.
  CHECK(bits(*features) == bits(*compute(hashed(write_images(folder)).images, small(folder))));
  for (int64_t i = 0; i < kNumImages; ++i) {
    CHECK(features->shape(i).height * features->shape(i).width == features->read(i).rows.dim(0));
    CHECK(features->read(i).rows.dim(1) == features->feature_width());
  }
}

TEST_CASE("a file that has changed since it was hashed is an error that names it") {
  const TemporaryFolder folder;
  const HashedFiles found = hashed(write_images(folder));
  testing::write_tiny_image(folder / "3.png", testing::tiny_image(77, false));
  Progress progress;
  const auto computed = ImageFeatures::compute(found.images, extractor(), small(folder), &progress);
  REQUIRE_FALSE(computed.ok());
  CHECK(computed.message().find("3.png: the file has changed") != std::string::npos);
}

TEST_CASE("a file that has gone since it was hashed is left out") {
  const TemporaryFolder folder;
  const HashedFiles found = hashed(write_images(folder));
  std::filesystem::remove(folder / "3.png");
  const auto features = compute(found.images, small(folder));
  CHECK(features->num_images() == kNumImages - 1);
  REQUIRE(features->skipped().size() == 1);
  CHECK(features->skipped()[0].id == "3.png");
}

TEST_CASE("features have the same bits with any memory budget and any number of threads") {
  const TemporaryFolder folder;
  const HashedFiles found = hashed(write_images(folder));
  set_num_threads(1);
  const std::string expected = bits(*compute(found.images, small(folder)));
  CHECK(expected.size() > 0);
  for (const int threads : {1, 2, 4}) {
    for (const int64_t budget : {int64_t{0}, int64_t{20'000}, int64_t{1} << 30}) {
      CAPTURE(threads);
      CAPTURE(budget);
      set_num_threads(threads);
      const auto features = compute(found.images, small(folder, budget));
      CHECK(features->store().bytes_in_memory() <= budget);
      CHECK(bits(*features) == expected);
    }
  }
}

TEST_CASE("a spill folder that is not there is an error") {
  const TemporaryFolder folder;
  const HashedFiles found = hashed(write_images(folder));
  FeatureOptions options = small(folder, 0);
  options.spill_folder = folder / "none";
  Progress progress;
  const auto computed = ImageFeatures::compute(found.images, extractor(), options, &progress);
  REQUIRE_FALSE(computed.ok());
  CHECK(computed.message().find("none: ") != std::string::npos);
}

TEST_CASE("the content key is the beginning of the hash") {
  const TemporaryFolder folder;
  const HashedFiles found = hashed(write_images(folder));
  const auto features = compute(found.images, small(folder));
  for (int64_t i = 0; i < kNumImages; ++i) {
    CHECK(features->content_key(i) == std::stoull(found.images[i].sha256.substr(0, 16), nullptr, 16));
  }
}

TEST_CASE("who asks to stop is obeyed") {
  struct Stop : Progress {
    bool stop_requested() override { return true; }
  };
  const TemporaryFolder folder;
  const std::vector<ImageFile> files = write_images(folder);
  const HashedFiles found = hashed(files);
  Stop stop;
  const auto not_hashed = hash_files(files, &stop);
  REQUIRE_FALSE(not_hashed.ok());
  CHECK(not_hashed.message() == kInterrupted);
  const auto not_computed = ImageFeatures::compute(found.images, extractor(), small(folder), &stop);
  REQUIRE_FALSE(not_computed.ok());
  CHECK(not_computed.message() == kInterrupted);
}

}  // namespace
}  // namespace assay::pipeline
