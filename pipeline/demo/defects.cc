// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/defects.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::demo {
namespace {

using kernels::Generator;

constexpr float kTrace = 0.12f;  // of a flaw's full strength: less than this is not marked

struct Point {
  float x, y;
};

// Moves the points of a flaw, drawn about the origin, to where most of them lie on the part and inside the image.
// Returns the origin's new place. After many tries the best place stands.
Point place_on_part(const Surface& surface, const std::vector<Point>& points, Generator& generator) {
  Point best = {};
  float most = -1;
  for (int i = 0; i < 100 && most < 0.9f * static_cast<float>(points.size()); ++i) {
    const float x = between(generator, 16, kSide - 16), y = between(generator, 16, kSide - 16);
    float on_part = 0;
    for (const Point& p : points) {
      const int64_t px = floor_of(x + p.x), py = floor_of(y + p.y);
      const bool in_image = px >= 0 && px < kSide && py >= 0 && py < kSide;
      if (in_image) on_part += surface.part.at(px, py);
    }
    if (on_part > most) {
      most = on_part;
      best = {x, y};
    }
  }
  return best;
}

Point place_disc_on_part(const Surface& surface, float radius, Generator& generator) {
  std::vector<Point> points = {{0, 0}};
  for (int i = 0; i < 8; ++i) {
    const Direction to = direction(static_cast<float>(i) / 8);
    points.push_back({0.6f * radius * to.x, 0.6f * radius * to.y});
  }
  return place_on_part(surface, points, generator);
}

// A line on the part that wanders: one point each pixel of its length.
std::vector<Point> wandering_line(const Surface& surface, float length, float wander, Generator& generator) {
  std::vector<Point> line;
  Point at = {};
  float heading = between(generator, 0, 1), turn = 0;
  for (int i = 0; i < static_cast<int>(length); ++i) {
    line.push_back(at);
    turn = 0.9f * turn + wander * between(generator, -1, 1);
    heading += turn;
    const Direction to = direction(heading);
    at = {at.x + to.x, at.y + to.y};
  }
  const Point origin = place_on_part(surface, line, generator);
  for (Point& p : line) p = {p.x + origin.x, p.y + origin.y};
  return line;
}

// 1 on the line, falling to 0 at `half_width` beside it; thinner towards both ends.
Field line_profile(const std::vector<Point>& line, float half_width) {
  Field profile;
  for (size_t i = 0; i < line.size(); ++i) {
    const float middle = 2 * static_cast<float>(i) / static_cast<float>(line.size()) - 1;
    const float half = half_width * (1 - 0.6f * middle * middle * middle * middle);
    const int64_t reach = floor_of(half) + 2, cx = floor_of(line[i].x), cy = floor_of(line[i].y);
    for (int64_t y = std::max<int64_t>(cy - reach, 0); y <= std::min(cy + reach, kSide - 1); ++y) {
      for (int64_t x = std::max<int64_t>(cx - reach, 0); x <= std::min(cx + reach, kSide - 1); ++x) {
        const float dx = (static_cast<float>(x) - line[i].x) / half, dy = (static_cast<float>(y) - line[i].y) / half;
        profile.at(x, y) = std::max(profile.at(x, y), bump(dx * dx + dy * dy));
      }
    }
  }
  return profile;
}

void mark(Field& mask, int64_t x, int64_t y, float strength) {
  if (strength > kTrace) mask.at(x, y) = 1;
}

}  // namespace

void add_scratch(Surface& surface, Field& mask, Generator& generator) {
  const std::vector<Point> line = wandering_line(surface, between(generator, 35, 85), 0.004f, generator);
  const Field profile = line_profile(line, std::sqrt(surface.relief_flaws) * between(generator, 1.5f, 2.2f));
  const float depth = surface.relief_flaws * between(generator, 0.45f, 0.8f);
  const float tone = surface.colour_flaws * between(generator, 0.06f, 0.2f);
  const float shine = happens(generator, 0.5f) ? tone : -tone;
  for_each_pixel([&](int64_t x, int64_t y) {
    const float strength = profile.at(x, y) * surface.part.at(x, y);
    if (strength == 0) return;
    surface.height.at(x, y) -= depth * strength;
    scale_albedo(surface, x, y, 1 + shine * strength);
    mark(mask, x, y, strength);
  });
}

void add_dent(Surface& surface, Field& mask, Generator& generator) {
  const float radius = between(generator, 9, 17), longer = between(generator, 1, 1.5f);
  const float side = happens(generator, 0.7f) ? 1.0f : -1.0f;  // pressed in from above, or from below
  const float depth = side * surface.relief_flaws * radius * between(generator, 0.14f, 0.22f);
  const Direction axis = direction(between(generator, 0, 1));
  const Point centre = place_disc_on_part(surface, radius, generator);
  for_each_pixel([&](int64_t x, int64_t y) {
    const float dx = static_cast<float>(x) - centre.x, dy = static_cast<float>(y) - centre.y;
    const float along = (dx * axis.x + dy * axis.y) / (radius * longer), across = (dy * axis.x - dx * axis.y) / radius;
    const float strength = bump(along * along + across * across) * surface.part.at(x, y);
    if (strength == 0) return;
    surface.height.at(x, y) -= depth * strength;
    mark(mask, x, y, strength);
  });
}

void add_stain(Surface& surface, Field& mask, Generator& generator) {
  const float radius = between(generator, 11, 24), strength = surface.colour_flaws * between(generator, 0.13f, 0.24f);
  const Point centre = place_disc_on_part(surface, radius, generator);
  const bool rust = happens(generator, 0.5f);
  const LatticeNoise edge(generator, 13, 13), speckle(generator, 3, 3);
  for_each_pixel([&](int64_t x, int64_t y) {
    const float fx = static_cast<float>(x), fy = static_cast<float>(y);
    const float dx = fx - centre.x, dy = fy - centre.y;
    const float distance = std::sqrt(dx * dx + dy * dy) / radius + 0.35f * edge.at(fx, fy);
    const float inside = (1 - smooth_step(0.7f, 1.05f, distance)) * surface.part.at(x, y);
    if (inside == 0) return;
    // Darker at the rim, where a drop dries last.
    const float rim = 0.75f + 0.25f * smooth_step(0.3f, 0.85f, distance);
    const float darker = strength * inside * rim * (1 + 0.3f * speckle.at(fx, fy));
    surface.red.at(x, y) *= 1 - darker * (rust ? 0.55f : 1.0f);
    surface.green.at(x, y) *= 1 - darker;
    surface.blue.at(x, y) *= 1 - darker * (rust ? 1.35f : 0.9f);
    surface.gloss.at(x, y) *= 1 - 0.5f * inside;
    mark(mask, x, y, inside);
  });
}

void add_fibre(Surface& surface, Field& mask, Generator& generator) {
  constexpr float kColours[3][3] = {{0.78f, 0.76f, 0.70f}, {0.16f, 0.13f, 0.12f}, {0.45f, 0.20f, 0.18f}};
  const std::vector<Point> line = wandering_line(surface, between(generator, 28, 75), 0.010f, generator);
  const Field profile = line_profile(line, std::sqrt(surface.colour_flaws) * between(generator, 1.3f, 1.8f));
  const float(&colour)[3] = kColours[generator.below(3)];
  const float cover = std::min(0.95f, surface.colour_flaws * between(generator, 0.45f, 0.7f));
  for_each_pixel([&](int64_t x, int64_t y) {
    // It lies on the product, a pixel above it: its shadow falls a pixel away.
    const float shadow = x > 0 && y > 0 ? profile.at(x - 1, y - 1) * surface.part.at(x, y) : 0;
    const float strength = profile.at(x, y) * surface.part.at(x, y);
    if (shadow > 0) scale_albedo(surface, x, y, 1 - 0.22f * shadow);
    if (strength > 0) blend_albedo(surface, x, y, colour, cover * strength);
    mark(mask, x, y, strength);
  });
}

}  // namespace assay::demo
