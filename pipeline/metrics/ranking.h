// SPDX-License-Identifier: Apache-2.0
// Scores of two classes in descending order, walked once per distinct score that an anomaly has. Every metric of this
// folder is a sum over these steps: between two of them only normals are passed, so recall and overlap stand still.
#pragma once

#include <cstdint>
#include <cstring>

#include "pipeline/metrics/radix_sort.h"

namespace assay {

// Ascending keys are descending scores. -0 and +0 have one key; infinities are in order; NaN has no place.
inline uint32_t descending_key(float score) {
  constexpr uint32_t kSignBit = 0x80000000u;
  const float without_minus_zero = score + 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &without_minus_zero, sizeof bits);
  return (bits & kSignBit) != 0 ? bits : ~(bits | kSignBit);  // larger bits: a larger positive or a lower negative
}

inline float score_of_key(uint32_t key) {
  constexpr uint32_t kSignBit = 0x80000000u;
  const uint32_t bits = (key & kSignBit) != 0 ? key : ~(key | kSignBit);
  float score;
  std::memcpy(&score, &bits, sizeof score);
  return score;
}

struct RankedScores {
  RankedScores(int64_t num_normal, int64_t num_anomalous) : normal(num_normal), anomalous(num_anomalous) {}
  // Both arrays have been filled in any order.
  void sort() {
    radix_sort(normal);
    radix_sort(anomalous);
  }
  static uint64_t anomalous_entry(uint32_t key, uint32_t area) { return uint64_t{key} << 32 | area; }

  RawArray<uint32_t> normal;     // keys
  RawArray<uint64_t> anomalous;  // key in the upper half, area of the pixel's region in the lower (1 for an image)
};

// A distinct score of at least one anomaly. Counts include the scores equal to it.
struct RankStep {
  int64_t anomalous;         // with this score or a higher one
  int64_t normal;            // with this score or a higher one
  int64_t tied_anomalous;    // with exactly this score, >= 1
  int64_t tied_normal;       // with exactly this score
  double overlap_increment;  // sum over the tied anomalous of 1 / area
};

// Calls visit(step) in descending order of score.
template <class Visit>
void for_each_step(const RankedScores& ranked, const Visit& visit) {
  const uint32_t* normal = ranked.normal.begin();
  const uint64_t* anomalous = ranked.anomalous.begin();
  while (anomalous != ranked.anomalous.end()) {
    const uint32_t key = static_cast<uint32_t>(*anomalous >> 32);
    RankStep step{};
    const uint64_t* first_anomalous = anomalous;
    for (; anomalous != ranked.anomalous.end() && *anomalous >> 32 == key; ++anomalous) {
      step.overlap_increment += 1.0 / static_cast<double>(static_cast<uint32_t>(*anomalous));
    }
    while (normal != ranked.normal.end() && *normal < key) ++normal;
    const uint32_t* first_normal = normal;
    while (normal != ranked.normal.end() && *normal == key) ++normal;
    step.anomalous = anomalous - ranked.anomalous.begin();
    step.normal = normal - ranked.normal.begin();
    step.tied_anomalous = anomalous - first_anomalous;
    step.tied_normal = normal - first_normal;
    visit(step);
  }
}

}  // namespace assay
