// SPDX-License-Identifier: Apache-2.0
// Times pixel_metrics on maps that look like real ones: smooth noise in a narrow range, a defect in every second map.
//   bazel run //pipeline/metrics:pixel_metrics_bench -- [maps=500] [side=256]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "kernels/base/parallel.h"
#include "pipeline/metrics/pixel_metrics.h"

int main(int argc, char** argv) {
  const int64_t maps = argc > 1 ? std::atoll(argv[1]) : 500;
  const int64_t side = argc > 2 ? std::atoll(argv[2]) : 256;
  std::vector<float> scores(maps * side * side);
  std::vector<uint8_t> masks(scores.size(), 0);
  std::vector<assay::PixelView> views;
  for (int64_t m = 0; m < maps; ++m) {
    std::mt19937 random(static_cast<uint32_t>(m));
    float* map = scores.data() + m * side * side;
    uint8_t* mask = masks.data() + m * side * side;
    for (int64_t y = side / 3; m % 2 == 0 && y < side / 2; ++y) {
      for (int64_t x = side / 4; x < side / 2; ++x) mask[y * side + x] = 255;
    }
    float level = 0.2f;
    for (int64_t p = 0; p < side * side; ++p) {
      level += 0.01f * (static_cast<float>(random() >> 8) / (1 << 24) - 0.5f) + 0.01f * (0.2f - level);
      map[p] = level + (mask[p] != 0 ? 0.1f : 0.0f);
    }
    views.push_back({map, mask, side, side});
  }
  for (const int threads : {1, assay::num_threads()}) {
    assay::set_num_threads(threads);
    for (int repeat = 0; repeat < 3; ++repeat) {
      const auto start = std::chrono::steady_clock::now();
      const assay::PixelMetrics metrics = assay::pixel_metrics(views);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      std::printf("%lld maps of %lld x %lld, %d threads: %.3f s (auroc %.6f, aupro %.6f, aupro_200 %.6f)\n",
                  static_cast<long long>(maps), static_cast<long long>(side), static_cast<long long>(side), threads,
                  seconds.count(), metrics.rank.auroc.value_or(-1), metrics.aupro.value_or(-1),
                  metrics.aupro_200.value_or(-1));
    }
  }
}
