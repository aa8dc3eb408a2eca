// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/synthetic.h"

#include <algorithm>

#include "kernels/base/check.h"
#include "kernels/random/generator.h"
#include "pipeline/demo/categories.h"
#include "pipeline/demo/defects.h"

namespace assay::demo {
namespace {

static_assert(kImageSide == kSide);

// Random streams of one image: each its own purpose, so that a defect changes nothing else.
enum class Purpose : uint64_t { kProduct, kDefect, kNoise };

uint64_t stream_of(Category category, int64_t index, Purpose purpose) {
  return (static_cast<uint64_t>(index) * 16 + static_cast<uint64_t>(category)) * 4 + static_cast<uint64_t>(purpose);
}

Scene draw(Category category, int64_t index, kernels::Generator& generator, const PartFault& fault) {
  switch (category) {
    case Category::kBrushedPlate:
      return draw_brushed_plate(index, generator);
    case Category::kWovenFabric:
      return draw_woven_fabric(index, generator, fault);
    case Category::kStampedGear:
      return draw_stamped_gear(index, generator, fault);
  }
  throw Error("make_image: unknown category");
}

void add_defect(Defect defect, Surface& surface, Field& mask, kernels::Generator& generator) {
  switch (defect) {
    case Defect::kScratch:
      return add_scratch(surface, mask, generator);
    case Defect::kDent:
      return add_dent(surface, mask, generator);
    case Defect::kStain:
      return add_stain(surface, mask, generator);
    case Defect::kFibre:
      return add_fibre(surface, mask, generator);
    case Defect::kNone:
    case Defect::kMissingPart:  // drawn with the product
      return;
  }
}

}  // namespace

const char* name(Category category) {
  switch (category) {
    case Category::kBrushedPlate:
      return "brushed_plate";
    case Category::kWovenFabric:
      return "woven_fabric";
    case Category::kStampedGear:
      return "stamped_gear";
  }
  return "";
}

const char* name(Defect defect) {
  switch (defect) {
    case Defect::kNone:
      return "good";
    case Defect::kScratch:
      return "scratch";
    case Defect::kDent:
      return "dent";
    case Defect::kStain:
      return "stain";
    case Defect::kFibre:
      return "fibre";
    case Defect::kMissingPart:
      return "missing_part";
  }
  return "";
}

const std::vector<Defect>& defects_of(Category category) {
  static const std::vector<Defect> surface_only = {Defect::kScratch, Defect::kDent, Defect::kStain, Defect::kFibre};
  static const std::vector<Defect> all = {Defect::kScratch, Defect::kDent, Defect::kStain, Defect::kFibre,
                                          Defect::kMissingPart};
  return category == Category::kBrushedPlate ? surface_only : all;
}

SyntheticImage make_image(Category category, int64_t index, Defect defect, uint64_t seed) {
  ASSAY_CHECK(index >= 0, "make_image: index ", index, ", expected at least 0");
  const std::vector<Defect>& possible = defects_of(category);
  ASSAY_CHECK(defect == Defect::kNone || std::count(possible.begin(), possible.end(), defect) == 1, "make_image: a ",
              name(category), " cannot have the defect ", name(defect));
  kernels::Generator product(seed, stream_of(category, index, Purpose::kProduct));
  kernels::Generator flaw(seed, stream_of(category, index, Purpose::kDefect));
  Field mask;
  const PartFault fault = {defect == Defect::kMissingPart, defect == Defect::kMissingPart ? &mask : nullptr};
  Scene scene = draw(category, index, product, fault);
  add_defect(defect, scene.surface, mask, flaw);
  SyntheticImage image;
  image.rgb = render(scene, seed, stream_of(category, index, Purpose::kNoise));
  image.mask.resize(kSide * kSide);
  for_each_pixel([&](int64_t x, int64_t y) { image.mask[y * kSide + x] = mask.at(x, y) > 0 ? 255 : 0; });
  return image;
}

}  // namespace assay::demo
