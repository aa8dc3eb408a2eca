// SPDX-License-Identifier: Apache-2.0
#include "pipeline/heatmap/colour_map.h"

#include <algorithm>
#include <cmath>

namespace assay::heatmap {
namespace {

constexpr int kSteps = 16;

// A path through OKLCH: step i of 16 has lightness 0.16 + 0.79 i / 16 and hue 285 + 175 i / 16 degrees, and as much
// chroma as sRGB holds there.
constexpr Colour kTable[kSteps + 1] = {{12, 5, 42},     {32, 0, 69},    {53, 0, 84},    {76, 0, 95},    {102, 1, 101},
                                       {128, 1, 103},   {156, 2, 100},  {183, 3, 93},   {212, 2, 78},   {240, 6, 49},
                                       {254, 64, 2},    {255, 108, 4},  {255, 141, 35}, {255, 169, 64}, {255, 194, 92},
                                       {248, 220, 145}, {244, 240, 209}};

uint8_t between(uint8_t low, uint8_t high, float weight) {
  const float value = static_cast<float>(low) + weight * (static_cast<float>(high) - static_cast<float>(low));
  return static_cast<uint8_t>(std::lround(value));
}

}  // namespace

float scale_position(float value, float threshold) {
  const float position = value / 2 / threshold;
  return std::isnan(position) ? 1.0f : std::clamp(position, 0.0f, 1.0f);
}

Colour colour_at(float position) {
  const float place = std::clamp(position, 0.0f, 1.0f) * kSteps;
  const int step = std::min(static_cast<int>(place), kSteps - 1);
  const float weight = place - static_cast<float>(step);
  const Colour &low = kTable[step], &high = kTable[step + 1];
  return {between(low.red, high.red, weight), between(low.green, high.green, weight),
          between(low.blue, high.blue, weight)};
}

}  // namespace assay::heatmap
