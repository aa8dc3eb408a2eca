// SPDX-License-Identifier: Apache-2.0
// Brushed sheet metal under a lamp that drifts: streaks along the brush, single hairlines, a broad highlight.
// Rare but normal: a coarser batch of sheet (1 in 14), the sheet's rolled edge in view (1 in 16).
#include <algorithm>
#include <array>
#include <cmath>

#include "pipeline/demo/categories.h"

namespace assay::demo {
namespace {

using kernels::Generator;

struct Hairline {
  float across, begin, length, strength;
};

std::array<Hairline, 26> draw_hairlines(Generator& generator) {
  std::array<Hairline, 26> lines;
  for (Hairline& line : lines) {
    line = {between(generator, -170, 170), between(generator, -190, 150), between(generator, 30, 190),
            between(generator, -0.045f, 0.055f)};
  }
  return lines;
}

float hairline_at(const Hairline& line, float along, float across) {
  const float off = (across - line.across) / 0.9f;
  const float middle = (along - line.begin - line.length / 2) / (line.length / 2);
  return line.strength * bump(off * off) * bump(middle * middle);
}

}  // namespace

Scene draw_brushed_plate(int64_t index, Generator& generator) {
  Scene scene;
  Surface& s = scene.surface;
  s.relief_flaws = 1.05f;
  s.colour_flaws = 0.85f;
  const Direction brush = direction(between(generator, -0.008f, 0.008f));
  const bool coarse = happens(generator, 1.0f / 14), edge = happens(generator, 1.0f / 16);
  const float base = between(generator, 0.50f, 0.56f), contrast = between(generator, 0.055f, 0.085f);
  const float highlight_at = between(generator, -60, 60) + 50 * sine(static_cast<float>(index) / 31);
  const float highlight = between(generator, 0.10f, 0.17f), edge_at = between(generator, 90, 112);
  const float width = coarse ? 1.9f : 1.0f;
  const LatticeNoise fine(generator, 90, width), middle(generator, 45, 1.7f * width), broad(generator, 260, 6);
  const LatticeNoise grain(generator, 5, 1), cloud(generator, 110, 90);
  const std::array<Hairline, 26> hairlines = draw_hairlines(generator);
  for_each_pixel([&](int64_t x, int64_t y) {
    const float dx = static_cast<float>(x) - kSide / 2, dy = static_cast<float>(y) - kSide / 2;
    const float along = dx * brush.x + dy * brush.y, across = dy * brush.x - dx * brush.y;
    const float u = along + kSide / 2, v = across + kSide / 2;
    float streak = 0.9f * fine.at(u, v) + 0.6f * middle.at(u, v) + 0.5f * broad.at(u, v) + 0.35f * grain.at(u, v);
    if (coarse) streak *= 1.25f;
    const float from_highlight = (along - highlight_at) / 190;
    float level = base + contrast * streak + highlight * bump(from_highlight * from_highlight) + 0.02f * cloud.at(u, v);
    for (const Hairline& line : hairlines) level += hairline_at(line, along, across);
    s.red.at(x, y) = level * (coarse ? 1.02f : 0.99f);
    s.green.at(x, y) = level;
    s.blue.at(x, y) = level * (coarse ? 0.97f : 1.015f);
    s.height.at(x, y) = 0.05f * streak;
    s.gloss.at(x, y) = 0.06f;
    s.part.at(x, y) = 1;
    if (edge) {
      const float beyond = across - edge_at;
      s.height.at(x, y) -= 5 * smooth_step(0, 14, beyond);
      scale_albedo(s, x, y, 1 - 0.35f * smooth_step(10, 15, beyond));
      s.part.at(x, y) = 1 - smooth_step(8, 12, beyond);
    }
  });
  scene.light_turns = 0.62f + between(generator, -0.03f, 0.03f);
  scene.light_slope = 0.55f;
  scene.exposure = between(generator, 0.95f, 1.05f) + 0.05f * sine(static_cast<float>(index) / 23);
  scene.gradient_x = between(generator, -0.1f, 0.1f) + 0.1f * sine(static_cast<float>(index) / 29);
  scene.gradient_y = between(generator, -0.1f, 0.1f);
  scene.warmth = 0.02f * sine(static_cast<float>(index) / 37);
  return scene;
}

}  // namespace assay::demo
