// SPDX-License-Identifier: Apache-2.0
#include "pipeline/features/feature_cache.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "kernels/base/parallel.h"
#include "pipeline/features/image_features.h"
#include "pipeline/model/feature_recipe.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_images.h"

namespace assay::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::TemporaryFolder;
using Precision = FeatureCache::Precision;

constexpr int kNumImages = 5;

std::vector<ImageContent> write_images(const TemporaryFolder& folder) {
  std::vector<ImageFile> files;
  for (int i = 0; i < kNumImages; ++i) {
    const std::string name = std::to_string(i) + ".png";
    files.push_back({name, folder / name});
    testing::write_tiny_image(files.back().path, testing::tiny_image(static_cast<uint32_t>(i), false));
  }
  Progress progress;
  return hash_files(files, &progress).value().images;
}

FeatureRecipe recipe() {
  FeatureRecipe r = default_feature_recipe();
  r.input_size.image_size = testing::kTinySide;
  return r;
}

std::unique_ptr<FeatureCache> open_cache(const std::string& folder, const FeatureRecipe& r = recipe()) {
  auto cache = FeatureCache::open(folder, to_json(r), Device::cpu());
  REQUIRE_MESSAGE(cache.ok(), cache.message());
  return std::move(cache).value();
}

const models::PatchFeatures& extractor() {
  static const std::unique_ptr<models::PatchFeatures> made = make_patch_features(recipe()).value();
  return *made;
}

class Notes : public Progress {
 public:
  void note(const std::string& line) override { lines.push_back(line); }
  std::vector<std::string> lines;
};

// The bits of all images' features.
std::string features(const std::vector<ImageContent>& images, const TemporaryFolder& folder, const FeatureCache* cache,
                     Notes* notes, int64_t budget = int64_t{1} << 30) {
  FeatureOptions options;
  options.input_size = recipe().input_size;
  options.memory_budget = budget;
  options.spill_folder = folder.path();
  options.cache = cache;
  const auto computed = ImageFeatures::compute(images, extractor(), options, notes);
  REQUIRE_MESSAGE(computed.ok(), computed.message());
  std::string bits;
  for (int64_t i = 0; i < computed.value()->num_images(); ++i) {
    const models::FeatureGrid grid = computed.value()->read(i);
    bits += std::to_string(grid.height) + "x" + std::to_string(grid.width) + " of " +
            std::to_string(grid.image_height) + "x" + std::to_string(grid.image_width) + ":";
    bits.append(reinterpret_cast<const char*>(grid.rows.raw()), grid.rows.bytes());
  }
  return bits;
}

std::vector<fs::path> entries(const std::string& folder) {
  std::vector<fs::path> found;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".part") found.push_back(entry.path());
  }
  return found;
}

TEST_CASE("features from the cache are bit for bit those that were computed, whatever the memory budget") {
  const TemporaryFolder folder;
  const std::vector<ImageContent> images = write_images(folder);
  Notes notes;
  const std::string without = features(images, folder, nullptr, &notes);
  const auto cache = open_cache(folder / "cache");
  CHECK(features(images, folder, cache.get(), &notes) == without);
  CHECK(cache->num_found() == 0);
  CHECK(entries(folder / "cache").size() == kNumImages);
  for (int i = 0; i < kNumImages; ++i) fs::resize_file(images[static_cast<size_t>(i)].path, 0);  // cannot be computed
  CHECK(features(images, folder, cache.get(), &notes) == without);
  CHECK(features(images, folder, cache.get(), &notes, /*budget=*/3000) == without);
  CHECK(cache->num_found() == 2 * kNumImages);
  CHECK(notes.lines.empty());
}

TEST_CASE("a damaged entry is said, computed again and replaced") {
  const TemporaryFolder folder;
  const std::vector<ImageContent> images = write_images(folder);
  Notes notes;
  const std::string without = features(images, folder, nullptr, &notes);
  features(images, folder, open_cache(folder / "cache").get(), &notes);
  const std::vector<fs::path> files = entries(folder / "cache");
  std::ifstream in(files[0], std::ios::binary);
  const std::string whole(std::istreambuf_iterator<char>(in), {});
  std::vector<std::string> damages = {"", "text", whole.substr(0, whole.size() - 1), whole + "x"};
  for (const size_t at : {size_t{0}, size_t{9}, whole.size() / 4, whole.size() / 2, whole.size() - 1}) {
    damages.push_back(whole);
    damages.back()[at] = static_cast<char>(damages.back()[at] ^ 1);
  }
  for (const std::string& damage : damages) {
    CAPTURE(damage.size());
    std::ofstream(files[0], std::ios::binary) << damage;
    notes.lines.clear();
    const auto cache = open_cache(folder / "cache");
    CHECK(features(images, folder, cache.get(), &notes) == without);
    CHECK(cache->num_found() == kNumImages - 1);
    REQUIRE(notes.lines.size() == 1);
    CHECK(notes.lines[0].find("1 damaged") != std::string::npos);
    const auto repaired = open_cache(folder / "cache");
    CHECK(features(images, folder, repaired.get(), &notes) == without);
    CHECK(repaired->num_found() == kNumImages);
  }
}

TEST_CASE("another recipe and other instructions have entries of their own") {
  const TemporaryFolder folder;
  const std::vector<ImageContent> images = write_images(folder);
  Notes notes;
  features(images, folder, open_cache(folder / "cache").get(), &notes);
  FeatureRecipe other = recipe();
  other.input_size.image_size *= 2;
  CHECK_FALSE(open_cache(folder / "cache", other)->get(images[0].sha256, Precision::k16Bit).has_value());
  CHECK_FALSE(open_cache(folder / "cache")->get(images[0].sha256, Precision::kFloat32).has_value());
  CHECK(open_cache(folder / "cache")->get(images[0].sha256, Precision::k16Bit).has_value());
  other = recipe();
  other.weights.push_back({"conv", Tensor::zeros<float>({3}, "test")});
  CHECK_FALSE(open_cache(folder / "cache", other)->get(images[0].sha256, Precision::k16Bit).has_value());
  int folders = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "cache")) {
    folders += fs::exists(entry.path() / "key.json");
  }
  CHECK(folders == 3);
}

TEST_CASE("scores of an image are made of the same bits with the cache, filled or not") {
  const TemporaryFolder folder;
  const std::vector<ImageContent> images = write_images(folder);
  const auto cache = open_cache(folder / "cache");
  const models::InputSizeRule rule = recipe().input_size;
  const Tensor expected = extractor().extract(load_input(images[0].path, rule).value()).rows;
  for (int round = 0; round < 2; ++round) {
    const auto grid = features_of(images[0].path, extractor(), rule, *cache);
    REQUIRE(grid.ok());
    REQUIRE(grid.value().rows.bytes() == expected.bytes());
    CHECK(std::memcmp(grid.value().rows.raw(), expected.raw(), expected.bytes()) == 0);
    CHECK(cache->num_found() == round);
  }
  CHECK_FALSE(features_of(folder / "none.png", extractor(), rule, *cache).ok());
  std::ofstream(folder / "text.png") << "not an image";
  CHECK_FALSE(features_of(folder / "text.png", extractor(), rule, *cache).ok());
}

TEST_CASE("two caches of one folder may be filled at once") {
  const TemporaryFolder folder;
  const std::vector<ImageContent> images = write_images(folder);
  Notes notes;
  const std::string without = features(images, folder, nullptr, &notes);
  const auto a = open_cache(folder / "cache"), b = open_cache(folder / "cache");
  const Tensor rows = Tensor::zeros<float>({4, 3}, "test");
  models::FeatureGrid shape;
  shape.height = shape.width = 2;
  shape.image_height = shape.image_width = 32;
  std::atomic<int> wrong{0};
  parallel_for(400, 1, [&](int64_t i, int64_t) {
    const FeatureCache& cache = i % 2 == 0 ? *a : *b;
    cache.put("image", Precision::kFloat32, {shape, rows});
    const auto entry = cache.get("image", Precision::kFloat32);
    wrong += !entry || entry->rows.bytes() != rows.bytes() || entry->shape.image_width != 32;
  });
  CHECK(wrong == 0);
  CHECK(a->trouble().empty());
  CHECK(b->trouble().empty());
}

TEST_CASE("a folder that cannot be made is an error, an entry that cannot be written is none") {
  const TemporaryFolder folder;
  const std::vector<ImageContent> images = write_images(folder);
  std::ofstream(folder / "file") << "";
  const auto failed = FeatureCache::open(folder / "file", to_json(recipe()), Device::cpu());
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.message().find(folder / "file") != std::string::npos);
  Notes notes;
  const std::string without = features(images, folder, nullptr, &notes);
  const auto cache = open_cache(folder / "cache");
  fs::remove_all(folder / "cache");
  std::ofstream(folder / "cache") << "in the way";
  CHECK(features(images, folder, cache.get(), &notes) == without);
  REQUIRE(notes.lines.size() == 1);
  CHECK(notes.lines[0].find("5 that could not be written") != std::string::npos);
}

TEST_CASE("what a killed writer has left long ago is removed") {
  const TemporaryFolder folder;
  open_cache(folder / "cache");
  const fs::path own = fs::directory_iterator(folder / "cache")->path();
  for (const char* name : {".assay-tmp-old", ".assay-tmp-new"}) std::ofstream(own / name) << "half";
  fs::last_write_time(own / ".assay-tmp-old", fs::file_time_type::clock::now() - std::chrono::hours(2));
  open_cache(folder / "cache");
  CHECK_FALSE(fs::exists(own / ".assay-tmp-old"));
  CHECK(fs::exists(own / ".assay-tmp-new"));
}

}  // namespace
}  // namespace assay::pipeline
