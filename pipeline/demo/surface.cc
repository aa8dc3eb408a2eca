// SPDX-License-Identifier: Apache-2.0
#include "pipeline/demo/surface.h"

#include <algorithm>
#include <cmath>

#include "kernels/random/philox.h"

namespace assay::demo {
namespace {

struct Vector {
  float x, y, z;
};

Vector normalised(const Vector& v) {
  const float length = std::sqrt(v.x * v.x + v.y * v.y + v.z * v.z);
  return {v.x / length, v.y / length, v.z / length};
}

float dot(const Vector& a, const Vector& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

// Light and shade of one pixel: albedo times `diffuse` plus `highlight`.
struct Shade {
  float diffuse, highlight;
};

Shade shade_at(const Surface& s, const Vector& light, const Vector& half, int64_t x, int64_t y) {
  const int64_t left = std::max<int64_t>(x - 1, 0), right = std::min(x + 1, kSide - 1);
  const int64_t above = std::max<int64_t>(y - 1, 0), below = std::min(y + 1, kSide - 1);
  const float slope_x = (s.height.at(right, y) - s.height.at(left, y)) / static_cast<float>(right - left);
  const float slope_y = (s.height.at(x, below) - s.height.at(x, above)) / static_cast<float>(below - above);
  const Vector normal = normalised({-slope_x, -slope_y, 1});
  float shine = std::max(0.0f, dot(normal, half));
  for (int i = 0; i < 4; ++i) shine *= shine;  // to the power of 16
  return {0.3f + 0.7f * std::max(0.0f, dot(normal, light)) / light.z, s.gloss.at(x, y) * shine};
}

// A lens's softness: each pixel takes a quarter of its light from its four neighbours.
Field softened(const Field& sharp) {
  Field soft;
  for_each_pixel([&](int64_t x, int64_t y) {
    const float around = sharp.at(std::max<int64_t>(x - 1, 0), y) + sharp.at(std::min(x + 1, kSide - 1), y) +
                         sharp.at(x, std::max<int64_t>(y - 1, 0)) + sharp.at(x, std::min(y + 1, kSide - 1));
    soft.at(x, y) = 0.72f * sharp.at(x, y) + 0.07f * around;
  });
  return soft;
}

// Sum of two uniform numbers, centred and scaled to deviation 1.
float noise_of(uint32_t word) {
  return (static_cast<float>((word & 0xffff) + (word >> 16)) * 0x1p-16f - 1) * 2.4494897f;
}

}  // namespace

void scale_albedo(Surface& surface, int64_t x, int64_t y, float factor) {
  surface.red.at(x, y) *= factor;
  surface.green.at(x, y) *= factor;
  surface.blue.at(x, y) *= factor;
}

void blend_albedo(Surface& surface, int64_t x, int64_t y, const float (&colour)[3], float amount) {
  Field* const channels[3] = {&surface.red, &surface.green, &surface.blue};
  for (int c = 0; c < 3; ++c) channels[c]->at(x, y) += amount * (colour[c] - channels[c]->at(x, y));
}

std::vector<uint8_t> render(const Scene& scene, uint64_t seed, uint64_t stream) {
  const Surface& s = scene.surface;
  const Direction from = direction(scene.light_turns);
  const Vector light = normalised({from.x * scene.light_slope, from.y * scene.light_slope, 1});
  const Vector half = normalised({light.x, light.y, light.z + 1});
  Field channels[3];
  for_each_pixel([&](int64_t x, int64_t y) {
    const Shade shade = shade_at(s, light, half, x, y);
    const float across = (static_cast<float>(x) + 0.5f) / kSide - 0.5f,
                down = (static_cast<float>(y) + 0.5f) / kSide - 0.5f;
    const float fall_off = 1 - 0.25f * (across * across + down * down);
    const float lit = scene.exposure * fall_off * (1 + scene.gradient_x * across + scene.gradient_y * down);
    channels[0].at(x, y) = lit * (1 + scene.warmth) * (s.red.at(x, y) * shade.diffuse + shade.highlight);
    channels[1].at(x, y) = lit * (s.green.at(x, y) * shade.diffuse + shade.highlight);
    channels[2].at(x, y) = lit * (1 - scene.warmth) * (s.blue.at(x, y) * shade.diffuse + shade.highlight);
  });
  const Field soft[3] = {softened(channels[0]), softened(channels[1]), softened(channels[2])};
  std::vector<uint8_t> rgb(kSide * kSide * 3);
  for_each_pixel([&](int64_t x, int64_t y) {
    const int64_t pixel = y * kSide + x;
    const kernels::PhiloxBlock random = kernels::philox_block(seed, stream, pixel);
    for (int c = 0; c < 3; ++c) {
      const float value = soft[c].at(x, y);
      const float noise = 0.0065f * noise_of(random.x[3]) + 0.0035f * noise_of(random.x[c]);  // of all, of each channel
      const float level = (value + noise * (0.5f + value)) * 255 + 0.5f;
      rgb[pixel * 3 + c] = static_cast<uint8_t>(std::clamp(level, 0.0f, 255.0f));
    }
  });
  return rgb;
}

}  // namespace assay::demo
