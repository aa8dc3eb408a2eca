// SPDX-License-Identifier: Apache-2.0
// Time of a backbone's forward: the first call (which compiles), one image on one thread, images on all threads.
//   bazel run //models/backbones:backbone_bench -- [LEVEL]
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "engine/tensor/tensor.h"
#include "kernels/base/parallel.h"
#include "models/backbones/backbone.h"
#include "models/backbones/backbone_list.h"

namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// Time that this thread was running: what remains comparable on a busy machine.
double thread_cpu_ms() {
  timespec t = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const std::string level = argc > 1 ? argv[1] : "block10";
  std::printf("backbone            level    image    first_ms  best_cpu_ms  median_ms  threads  images_per_s\n");
  for (const auto& listing : assay::models::backbone_list()) {
    if (!listing.has_built_in_weights) continue;
    const auto backbone = listing.make({}, assay::Device::cpu()).value();
    for (const int64_t side : {256, 384}) {
      const assay::Tensor image = assay::Tensor::zeros<uint8_t>({side, side, 3}, "bench");
      for (int64_t i = 0; i < image.size(); ++i) image.data<uint8_t>()[i] = static_cast<uint8_t>(i * i >> 7);
      const auto workspace = backbone->make_workspace();
      const auto first = Clock::now();
      (void)backbone->forward(image, {level}, *workspace);
      const double first_ms = ms_since(first);
      std::vector<double> times;
      std::vector<double> cpu_times;
      for (int repeat = 0; repeat < 30; ++repeat) {
        const auto start = Clock::now();
        const double cpu_start = thread_cpu_ms();
        (void)backbone->forward(image, {level}, *workspace);
        cpu_times.push_back(thread_cpu_ms() - cpu_start);
        times.push_back(ms_since(start));
      }
      std::vector<double> rates;
      constexpr int64_t kImages = 32;
      for (int repeat = 0; repeat < 5; ++repeat) {
        const auto start = Clock::now();
        assay::parallel_for(kImages, kImages / assay::num_threads(), [&](int64_t begin, int64_t end) {
          const auto own = backbone->make_workspace();
          for (int64_t i = begin; i < end; ++i) (void)backbone->forward(image, {level}, *own);
        });
        rates.push_back(kImages / ms_since(start) * 1e3);
      }
      std::printf("%-19s %-8s %3dx%-3d  %8.1f  %11.2f  %9.2f  %7d  %12.1f\n", backbone->name().c_str(), level.c_str(),
                  static_cast<int>(side), static_cast<int>(side), first_ms,
                  *std::min_element(cpu_times.begin(), cpu_times.end()), median(times), assay::num_threads(),
                  median(rates));
    }
  }
  return 0;
}
