// SPDX-License-Identifier: Apache-2.0
// A stamped steel gear on a rubber belt, at any rotation and somewhere near the middle: ten teeth, a bore, three
// punched holes on a raised rib, turned grain. Rare but normal: yellow zinc plating (1 in 6), an oiled part (1 in 10),
// the belt's seam in view (1 in 10). The part that can be missing is a tooth, broken off with some of the rim.
#include <algorithm>
#include <cmath>

#include "pipeline/demo/categories.h"

namespace assay::demo {
namespace {

using kernels::Generator;

constexpr int kTeeth = 10;
constexpr float kBore = 26, kRib = 56, kHole = 8.5f, kRim = 84, kTooth = 9;  // radii and the teeth's height, in pixels

// A pixel in the gear's own frame.
struct Place {
  float x, y, radius, turns;
};

// Signed distances in pixels, positive inside.
float inside_outline(const Place& p) {
  const float tooth = p.turns * kTeeth - static_cast<float>(floor_of(p.turns * kTeeth)) - 0.5f;  // its middle is 0
  const float outer = kRim + kTooth * (1 - smooth_step(0.17f, 0.30f, std::fabs(tooth)));
  return std::min(outer - p.radius, p.radius - kBore);
}

float inside_disc(const Place& p, const Direction& towards, float at, float radius) {
  const float dx = p.x - at * towards.x, dy = p.y - at * towards.y;
  return radius - std::sqrt(dx * dx + dy * dy);
}

// Height of the stamped sheet: rounded edges, a raised rib through the holes, the turned grain.
float gear_height(float inside, float radius, float grain) {
  const float rib = (radius - kRib) / 15;
  return 3.2f * smooth_step(-0.5f, 4.5f, inside) + 2.6f * bump(rib * rib) + 0.10f * grain;
}

// Members draw their numbers in this order.
class Gear {
 public:
  explicit Gear(Generator& generator)
      : plated_(happens(generator, 1.0f / 6)),
        oiled_(happens(generator, 1.0f / 10)),
        has_seam_(happens(generator, 1.0f / 10)),
        level_(between(generator, 0.475f, 0.505f)),
        x_(kSide / 2 + between(generator, -11, 11)),
        y_(kSide / 2 + between(generator, -11, 11)),
        scale_(between(generator, 0.985f, 1.015f)),
        axis_(direction(between(generator, 0, 1))),
        broken_tooth_(static_cast<float>(generator.below(kTeeth))),
        broken_tip_(direction((broken_tooth_ + between(generator, 0.35f, 0.65f)) / kTeeth)),
        broken_radius_(between(generator, 14, 19)),
        seam_at_(between(generator, -20, 276)),
        belt_phase_(between(generator, 0, 12)),
        rubber_(generator, 2.2f, 2.2f),
        dust_(generator, 30, 24),
        turned_(generator, kSide, 1.3f),
        speckle_(generator, 1.7f, 1.7f),
        cloud_(generator, 50, 50),
        ragged_(generator, 6, 6) {}

  // Returns whether the tooth that can be broken off is or would be at the pixel.
  bool paint(Surface& s, int64_t x, int64_t y, bool is_broken) const {
    const float fx = static_cast<float>(x), fy = static_cast<float>(y);
    const Place p = place_at(fx, fy);
    const float outline = inside_outline(p);
    float whole = outline;
    for (int i = 0; i < 3; ++i) {
      whole = std::min(whole, -inside_disc(p, direction(static_cast<float>(i) / 3), kRib, kHole));
    }
    const float gone = inside_disc(p, broken_tip_, kRim + kTooth, broken_radius_) + 3 * ragged_.at(fx, fy);
    const float inside = is_broken ? std::min(whole, -gone) : whole;
    const float cover = smooth_step(-0.7f, 0.7f, inside);
    const float grain = turned_.at(0, p.radius) * (0.7f + 0.5f * cloud_.at(fy, fx)) + 0.3f * speckle_.at(fx, fy);
    paint_belt(s, x, y, smooth_step(-9, 1, outline));
    paint_steel(s, x, y, grain, cover);
    s.height.at(x, y) += cover * (gear_height(inside, p.radius, grain) - s.height.at(x, y));
    s.part.at(x, y) = smooth_step(2, 5, inside);
    return gone > -0.7f && whole > -0.7f;
  }

 private:
  Place place_at(float fx, float fy) const {
    const float dx = (fx - x_) / scale_, dy = (fy - y_) / scale_;
    const float x = dx * axis_.x + dy * axis_.y, y = dy * axis_.x - dx * axis_.y;
    return {x, y, std::sqrt(x * x + y * y), turns_of(x, y)};
  }

  // Ribbed rubber with dust, darker close to the part.
  void paint_belt(Surface& s, int64_t x, int64_t y, float shadow) const {
    const float fx = static_cast<float>(x), fy = static_cast<float>(y);
    const float level = (0.115f + 0.022f * rubber_.at(fx, fy) + 0.018f * dust_.at(fx, fy)) * (1 - 0.35f * shadow);
    s.red.at(x, y) = level * 0.95f;
    s.green.at(x, y) = level;
    s.blue.at(x, y) = level * 1.1f;
    s.height.at(x, y) = 0.35f * sine((fy + belt_phase_) / 12);
    if (has_seam_) {
      const float off = (fx + 0.15f * fy - seam_at_) / 4;
      scale_albedo(s, x, y, 1 - 0.3f * bump(off * off));
    }
  }

  void paint_steel(Surface& s, int64_t x, int64_t y, float grain, float cover) const {
    const float cloud = cloud_.at(static_cast<float>(x), static_cast<float>(y));
    const float level = level_ + 0.045f * grain + 0.025f * cloud - (oiled_ ? 0.04f : 0);
    const float steel[3] = {level * (plated_ ? 1.01f : 0.985f), level, level * (plated_ ? 0.945f : 1.02f)};
    blend_albedo(s, x, y, steel, cover);
    s.gloss.at(x, y) = 0.015f + cover * (oiled_ ? 0.285f : 0.185f);
  }

  bool plated_, oiled_, has_seam_;
  float level_, x_, y_, scale_;
  Direction axis_;
  float broken_tooth_;
  Direction broken_tip_;
  float broken_radius_;
  float seam_at_, belt_phase_;
  LatticeNoise rubber_, dust_, turned_, speckle_, cloud_, ragged_;
};

}  // namespace

Scene draw_stamped_gear(int64_t index, Generator& generator, const PartFault& fault) {
  const Gear gear(generator);
  Scene scene;
  scene.surface.relief_flaws = 1.3f;
  scene.surface.colour_flaws = 1.5f;
  for_each_pixel([&](int64_t x, int64_t y) {
    const bool would_miss = gear.paint(scene.surface, x, y, fault.present);
    if (fault.area != nullptr) fault.area->at(x, y) = would_miss ? 1.0f : 0.0f;
  });
  scene.light_turns = 0.64f + 0.03f * sine(static_cast<float>(index) / 33) + between(generator, -0.02f, 0.02f);
  scene.light_slope = 0.6f;
  scene.exposure = 1.1f * between(generator, 0.94f, 1.06f) + 0.04f * sine(static_cast<float>(index) / 21);
  scene.gradient_x = between(generator, -0.12f, 0.12f);
  scene.gradient_y = between(generator, -0.12f, 0.12f);
  return scene;
}

}  // namespace assay::demo
