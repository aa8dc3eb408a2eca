// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/synthetic.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "kernels/base/check.h"
#include "pipeline/data/sha256.h"

namespace assay::demo {
namespace {

constexpr uint64_t kSeed = 5;

double mean_difference(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(int{a[i]} - int{b[i]});
  return sum / static_cast<double>(a.size());
}

// Whether any pixel within `reach` of (x, y) is marked, the square's way of measuring.
bool near_mask(const std::vector<uint8_t>& mask, int64_t x, int64_t y, int64_t reach) {
  for (int64_t v = std::max<int64_t>(y - reach, 0); v <= std::min(y + reach, kImageSide - 1); ++v) {
    for (int64_t u = std::max<int64_t>(x - reach, 0); u <= std::min(x + reach, kImageSide - 1); ++u) {
      if (mask[v * kImageSide + u] != 0) return true;
    }
  }
  return false;
}

struct Flaw {
  int64_t marked = 0;       // pixels of the mask
  double inside = 0;        // mean difference to the image without the defect there, in levels
  int64_t far_changed = 0;  // pixels changed more than ten from the mask
};

Flaw flaw_of(Category category, int64_t index, Defect defect) {
  const SyntheticImage good = make_image(category, index, Defect::kNone, kSeed);
  const SyntheticImage bad = make_image(category, index, defect, kSeed);
  Flaw flaw;
  for (int64_t y = 0; y < kImageSide; ++y) {
    for (int64_t x = 0; x < kImageSide; ++x) {
      const int64_t i = y * kImageSide + x;
      int difference = 0;
      for (int c = 0; c < 3; ++c) difference += std::abs(int{good.rgb[3 * i + c]} - int{bad.rgb[3 * i + c]});
      if (bad.mask[i] != 0) {
        ++flaw.marked;
        flaw.inside += difference / 3.0;
      } else if (difference > 0 && !near_mask(bad.mask, x, y, 10)) {
        ++flaw.far_changed;
      }
    }
  }
  flaw.inside /= static_cast<double>(std::max<int64_t>(flaw.marked, 1));
  return flaw;
}

TEST_CASE("an image is a function of its arguments, and differs from others of its category") {
  for (const Category category : kCategories) {
    const SyntheticImage first = make_image(category, 3, Defect::kNone, kSeed);
    CHECK(first.rgb == make_image(category, 3, Defect::kNone, kSeed).rgb);
    CHECK(mean_difference(first.rgb, make_image(category, 4, Defect::kNone, kSeed).rgb) > 4);
    CHECK(mean_difference(first.rgb, make_image(category, 3, Defect::kNone, kSeed + 1).rgb) > 4);
    CHECK(std::count(first.mask.begin(), first.mask.end(), 0) == kImageSide * kImageSide);
  }
}

TEST_CASE("a defect changes what its mask marks and nothing far from it") {
  for (const Category category : kCategories) {
    for (const Defect defect : defects_of(category)) {
      for (int64_t index = 0; index < 2; ++index) {
        CAPTURE(name(category));
        CAPTURE(name(defect));
        CAPTURE(index);
        const Flaw flaw = flaw_of(category, index, defect);
        CHECK(flaw.marked >= 20);
        CHECK(flaw.marked <= kImageSide * kImageSide / 20);
        CHECK(flaw.inside > 3);
        CHECK(flaw.far_changed == 0);
      }
    }
  }
}

TEST_CASE("photographs are exposed neither too dark nor too bright") {
  for (const Category category : kCategories) {
    for (int64_t index = 0; index < 5; ++index) {
      const std::vector<uint8_t> rgb = make_image(category, index, Defect::kNone, kSeed).rgb;
      const auto share = [&](uint8_t level) {
        return static_cast<double>(std::count(rgb.begin(), rgb.end(), level)) / static_cast<double>(rgb.size());
      };
      CHECK(share(0) < 0.02);
      CHECK(share(255) < 0.02);
    }
  }
}

TEST_CASE("the bytes are those of every machine") {
  const std::map<Category, std::string> digests = {
      {Category::kBrushedPlate, "3b6f9432e004c3863bf36822e45624167e21ca56425a4d0d3662c8285f4a3122"},
      {Category::kWovenFabric, "b7c15aa90b134858e2c5c46a4b49eb8f0c097ee24c665be92a8eda9121080d7d"},
      {Category::kStampedGear, "145e22ba3517c883f2826382274d70bff4d1872442662134431e1bcdf7acde69"}};
  for (const auto& [category, digest] : digests) {
    CAPTURE(name(category));
    data::Sha256 hash;
    for (const Defect defect : defects_of(category)) {
      const SyntheticImage image = make_image(category, 11, defect, kSeed);
      hash.update(image.rgb);
      hash.update(image.mask);
    }
    CHECK(hash.finish() == digest);
  }
}

TEST_CASE("a negative index and a part that a plate does not have are refused by name") {
  CHECK_THROWS_WITH(make_image(Category::kWovenFabric, -1, Defect::kNone, 0),
                    "make_image: index -1, expected at least 0");
  CHECK_THROWS_WITH(make_image(Category::kBrushedPlate, 0, Defect::kMissingPart, 0),
                    "make_image: a brushed_plate cannot have the defect missing_part");
}

}  // namespace
}  // namespace assay::demo
