// SPDX-License-Identifier: Apache-2.0
// Synthetic photographs of products, with flaws and exact masks: what `assay demo` and the whole-pipeline tests look
// at. Every image is a pure function of (category, index, defect, seed): same bytes on every machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::demo {

enum class Category { kBrushedPlate, kWovenFabric, kStampedGear };
enum class Defect { kNone, kScratch, kDent, kStain, kFibre, kMissingPart };

constexpr Category kCategories[] = {Category::kBrushedPlate, Category::kWovenFabric, Category::kStampedGear};
constexpr int64_t kImageSide = 256;

// "brushed_plate", "scratch"; Defect::kNone is "good". Folder names of the data set.
const char* name(Category category);
const char* name(Defect defect);
// The defects that befall a category: all, but a plate has no parts that could be missing.
const std::vector<Defect>& defects_of(Category category);

struct SyntheticImage {
  std::vector<uint8_t> rgb;   // (kImageSide, kImageSide, 3)
  std::vector<uint8_t> mask;  // (kImageSide, kImageSide): 255 on the defect, else 0
};

// Product number `index` >= 0 of the run `seed`. With a defect it is the same product, photographed the same way:
// pixels far from the mask are those of the image without. Light and tools drift with the index. Throws assay::Error on
// a negative index and on a defect that the category cannot have. About 15 ms.
SyntheticImage make_image(Category category, int64_t index, Defect defect, uint64_t seed);

}  // namespace assay::demo
