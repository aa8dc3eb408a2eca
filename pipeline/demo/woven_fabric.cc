// SPDX-License-Identifier: Apache-2.0
// A twill cloth: blue warp yarns over and under light weft yarns, each of its own thickness and shade, on a loom whose
// tension wanders. Rare but normal: a darker dye lot (1 in 15), a slub, one thicker weft yarn (1 in 9).
// The part that can be missing is a run of two weft yarns.
#include <algorithm>
#include <array>
#include <cmath>

#include "pipeline/demo/categories.h"

namespace assay::demo {
namespace {

using kernels::Generator;

constexpr int64_t kYarns = 128;  // more than cross the image in either direction
constexpr float kWarpColour[3] = {0.27f, 0.34f, 0.47f}, kWeftColour[3] = {0.58f, 0.59f, 0.58f};
constexpr float kBelow[3] = {0.13f, 0.14f, 0.18f};  // what shows between the yarns

class Yarns {
 public:
  explicit Yarns(Generator& generator) {
    for (Yarn& yarn : yarns_) yarn = {between(generator, -0.04f, 0.04f), between(generator, 0.94f, 1.06f)};
  }
  float shade(int64_t number) const { return yarn(number).shade; }
  float width(int64_t number) const { return yarn(number).width; }

 private:
  struct Yarn {
    float shade, width;
  };
  const Yarn& yarn(int64_t number) const { return yarns_[((number % kYarns) + kYarns) % kYarns]; }
  std::array<Yarn, kYarns> yarns_;
};

// Members draw their numbers in this order.
class Cloth {
 public:
  Cloth(int64_t index, Generator& generator)
      : grain_(direction(between(generator, -0.007f, 0.007f))),
        dark_lot_(happens(generator, 1.0f / 15)),
        slub_(happens(generator, 1.0f / 9)),
        warp_pitch_(between(generator, 4.7f, 4.9f)),
        weft_pitch_(between(generator, 4.3f, 4.5f)),
        phase_x_(between(generator, 0, 32)),
        phase_y_(between(generator, 0, 32)),
        warps_(generator),
        wefts_(generator),
        bend_x_(generator, 70, 50),
        bend_y_(generator, 60, 80),
        twist_(generator, 1.3f, 2),
        wear_(generator, 60, 60),
        lint_(generator, 3, 3),
        slub_yarn_(8 + static_cast<int64_t>(generator.below(40))),
        gap_yarn_(10 + static_cast<int64_t>(generator.below(36))),
        gap_begin_(between(generator, 50, 120)),
        gap_end_(gap_begin_ + between(generator, 35, 70)),
        dye_((dark_lot_ ? 0.86f : 1.0f) + 0.03f * sine(static_cast<float>(index) / 27)) {}

  // Whether the run of weft yarns that can be missing would cross the pixel.
  bool in_gap(int64_t x, int64_t y) const {
    const int64_t yarn = weft_number(place_at(x, y));
    const float along = static_cast<float>(x);
    return (yarn == gap_yarn_ || yarn == gap_yarn_ + 1) && along > gap_begin_ && along < gap_end_;
  }

  void paint(Surface& s, int64_t x, int64_t y, bool is_missing) const {
    const Place p = place_at(x, y);
    const bool warp_on_top = (((p.warp + p.weft) % 4) + 4) % 4 < 2;
    const bool is_slub = slub_ && !warp_on_top && weft_number(p) == slub_yarn_;
    const float side =
        warp_on_top ? p.in_warp / warps_.width(p.warp) : p.in_weft / (is_slub ? 1.3f : wefts_.width(p.weft));
    const float end = warp_on_top ? p.in_weft : p.in_warp;
    // A cylinder's height from side to side, sinking where the yarn dives under its neighbours.
    float height = 0.9f * std::max(0.0f, 1 - side * side) - 0.3f * end * end + (is_slub ? 0.4f : 0);
    float cover = 1 - 0.8f * smooth_step(0.6f, 1.1f, std::fabs(side));
    if (is_missing && !warp_on_top) {
      cover = 0.25f;
      height = -0.4f;
    }
    const float fx = static_cast<float>(x), fy = static_cast<float>(y);
    const float strand = 0.09f * twist_.at(0.5f * (p.along + p.across), p.across - 0.4f * p.along);
    const float shade = warp_on_top ? warps_.shade(p.warp) : wefts_.shade(p.weft);
    const float level = dye_ * (1 + shade + strand + 0.05f * lint_.at(fx, fy) + 0.05f * wear_.at(fx, fy));
    Field* const channels[3] = {&s.red, &s.green, &s.blue};
    for (int c = 0; c < 3; ++c) {
      const float colour = warp_on_top ? kWarpColour[c] : kWeftColour[c];
      channels[c]->at(x, y) = level * (kBelow[c] + cover * (colour - kBelow[c]));
    }
    s.height.at(x, y) = height;
    s.part.at(x, y) = 1;
  }

 private:
  // Where a pixel lies in the weave: yarn numbers and the place in each, -1 to 1 from side to side.
  struct Place {
    float along, across;  // pixels
    int64_t warp, weft;
    float in_warp, in_weft;
  };

  Place place_at(int64_t x, int64_t y) const {
    const float fx = static_cast<float>(x), fy = static_cast<float>(y);
    const float along = fx * grain_.x + fy * grain_.y + phase_x_ + 1.2f * bend_x_.at(fx, fy);
    const float across = fy * grain_.x - fx * grain_.y + phase_y_ + 1.2f * bend_y_.at(fx, fy);
    const float a = along / warp_pitch_, b = across / weft_pitch_;
    const int64_t warp = floor_of(a), weft = floor_of(b);
    return {along, across, warp, weft, 2 * (a - static_cast<float>(warp)) - 1, 2 * (b - static_cast<float>(weft)) - 1};
  }

  int64_t weft_number(const Place& p) const { return p.weft - floor_of(phase_y_ / weft_pitch_); }  // from the top

  Direction grain_;
  bool dark_lot_, slub_;
  float warp_pitch_, weft_pitch_, phase_x_, phase_y_;
  Yarns warps_, wefts_;
  LatticeNoise bend_x_, bend_y_, twist_, wear_, lint_;
  int64_t slub_yarn_, gap_yarn_;
  float gap_begin_, gap_end_;
  float dye_;
};

}  // namespace

Scene draw_woven_fabric(int64_t index, Generator& generator, const PartFault& fault) {
  const Cloth cloth(index, generator);
  Scene scene;
  scene.surface.relief_flaws = 3.5f;
  scene.surface.colour_flaws = 1.8f;
  for_each_pixel([&](int64_t x, int64_t y) {
    const bool in_gap = cloth.in_gap(x, y);
    cloth.paint(scene.surface, x, y, fault.present && in_gap);
    if (fault.area != nullptr) fault.area->at(x, y) = in_gap ? 1.0f : 0.0f;
  });
  scene.light_turns = 0.68f + between(generator, -0.04f, 0.04f);
  scene.light_slope = 0.7f;
  scene.exposure = 1.12f * (between(generator, 0.95f, 1.05f) + 0.03f * sine(static_cast<float>(index) / 19));
  scene.gradient_x = between(generator, -0.12f, 0.12f);
  scene.gradient_y = between(generator, -0.12f, 0.12f);
  scene.warmth = between(generator, 0, 0.02f);
  return scene;
}

}  // namespace assay::demo
