// SPDX-License-Identifier: Apache-2.0
// Greedy k-center on the CPU, lazily. A point's distance to the nearest centre only falls, so one that was computed
// against the first centres alone is a bound from above, and a point whose bound is below the current farthest
// distance need not be looked at. Points at or above a threshold are watched: their distances are up to date, each new
// centre is shown to them, and the farthest of them is the farthest of all. When none is left, the threshold is lowered
// and the points that it now admits are shown the centres that they have missed, until they fall below it again. Most
// points of most data never see most of the centres. What they do see, bytes rule out in turn (byte_centers.h).
#include <algorithm>
#include <limits>

#include "kernels/base/parallel.h"
#include "kernels/coreset/byte_centers.h"
#include "kernels/coreset/center_distance.h"
#include "kernels/coreset/greedy_k_center.h"
#include "kernels/coreset/lazy_scratch.h"

namespace assay::kernels {
namespace {

class LazyGreedy {
 public:
  explicit LazyGreedy(const GreedyKCenterArgs& args)
      : a_(args), s_(args.workspace, args.num_points), bytes_(args, s_.rest) {
    std::fill(s_.minimum, s_.minimum + a_.num_points, std::numeric_limits<float>::infinity());
    std::fill(s_.seen, s_.seen + a_.num_points, 0);
  }

  void run() {
    int64_t center = a_.start;
    for (int64_t i = 0; i < a_.count; ++i) {
      a_.selected[i] = center;
      s_.minimum[center] = -1.0f;
      num_centers_ = i + 1;
      if (bytes_.usable()) bytes_.add(center);
      show_newest();
      while (num_watched_ == 0 && lower_threshold()) {
      }
      center = farthest_watched();
      a_.radius2[i] = center < 0 ? 0.0f : s_.minimum[center];
    }
  }

 private:
  // To the points that are watched; those that fall below the threshold are no more.
  void show_newest() {
    constexpr int64_t kPointsPerPiece = 1024;  // 20 microseconds: threads that wait for each other cost as much
    parallel_for(num_watched_, kPointsPerPiece, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const int64_t i = s_.watched[k];
        if (s_.minimum[i] >= threshold_) {
          see_centers(a_, i, num_centers_, threshold_, s_.minimum + i, s_.seen + i);
        }
      }
    });
    stop_watching_near();
  }

  void stop_watching_near() {
    const auto near = [&](int32_t i) { return !(s_.minimum[i] >= threshold_); };
    num_watched_ = std::remove_if(s_.watched, s_.watched + num_watched_, near) - s_.watched;
  }

  // False where every point is taken.
  bool lower_threshold() {
    const float most = largest_of(s_.minimum, a_.num_points);
    if (most < 0) return false;
    threshold_ = most * (1 - step_);
    for (int64_t i = 0; i < a_.num_points; ++i) {
      if (s_.minimum[i] >= threshold_) s_.watched[num_watched_++] = static_cast<int32_t>(i);
    }
    if (bytes_.usable()) {
      // Tiles of points that have missed the same centres.
      std::sort(s_.watched, s_.watched + num_watched_,
                [&](int32_t i, int32_t j) { return s_.seen[i] < s_.seen[j] || (s_.seen[i] == s_.seen[j] && i < j); });
      bytes_.show(s_.watched, num_watched_, threshold_, s_.minimum, s_.seen);
      stop_watching_near();
      std::sort(s_.watched, s_.watched + num_watched_);
    } else {
      show_newest();
    }
    adapt_step();
    return true;
  }

  // Many watched points make each step long, few make the threshold fall often.
  void adapt_step() {
    constexpr int64_t kMany = 512, kFew = 64;
    constexpr float kLargest = 0.25f, kSmallest = 1e-4f;
    if (num_watched_ > kMany) step_ = std::max(kSmallest, step_ * 0.7f);
    if (num_watched_ < kFew) step_ = std::min(kLargest, step_ * 1.4f);
  }

  // The lowest of the farthest, -1 where every point is taken.
  int64_t farthest_watched() const {
    int64_t farthest = -1;
    for (int64_t k = 0; k < num_watched_; ++k) {
      const int64_t i = s_.watched[k];
      if (farthest < 0 || s_.minimum[i] > s_.minimum[farthest]) farthest = i;
    }
    return farthest;
  }

  const GreedyKCenterArgs& a_;
  LazyScratch s_;
  ByteCenters bytes_;
  int64_t num_centers_ = 0;
  int64_t num_watched_ = 0;
  float threshold_ = std::numeric_limits<float>::infinity();
  float step_ = 0.02f;  // what the threshold falls by, relatively
};

}  // namespace

void greedy_k_center_cpu(const GreedyKCenterArgs& a) { LazyGreedy(a).run(); }

}  // namespace assay::kernels
