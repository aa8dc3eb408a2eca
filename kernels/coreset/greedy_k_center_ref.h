// SPDX-License-Identifier: Apache-2.0
// Greedy k-center by its definition, in double.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace assay::kernels::ref {

inline double point_distance2(const std::vector<float>& points, int64_t dim, int64_t i, int64_t j) {
  double sum = 0;
  for (int64_t d = 0; d < dim; ++d) {
    const double difference = static_cast<double>(points[i * dim + d]) - static_cast<double>(points[j * dim + d]);
    sum += difference * difference;
  }
  return sum;
}

// Distance of every point to the nearest of those taken so far; -1 for the taken themselves.
class Cover {
 public:
  Cover(const std::vector<float>& points, int64_t dim)
      : points_(points), dim_(dim), distance2_(points.size() / dim, std::numeric_limits<double>::infinity()) {}
  void take(int64_t point) {
    for (size_t i = 0; i < distance2_.size(); ++i) {
      distance2_[i] = std::min(distance2_[i], point_distance2(points_, dim_, static_cast<int64_t>(i), point));
    }
    distance2_[point] = -1;
  }
  int64_t farthest() const {  // the first of equals
    return std::max_element(distance2_.begin(), distance2_.end()) - distance2_.begin();
  }
  double distance2(int64_t point) const { return distance2_[point]; }

 private:
  const std::vector<float>& points_;
  int64_t dim_;
  std::vector<double> distance2_;
};

inline std::vector<int64_t> greedy_k_center(const std::vector<float>& points, int64_t dim, int64_t count,
                                            int64_t start) {
  Cover cover(points, dim);
  std::vector<int64_t> selected;
  for (int64_t next = start; static_cast<int64_t>(selected.size()) < count; next = cover.farthest()) {
    selected.push_back(next);
    cover.take(next);
  }
  return selected;
}

// Work of the textbook loop, for roofline figures: each step reads all points and updates their minimum. The CPU does
// far less, and exceeds its roofline so.
inline double greedy_k_center_flops(int64_t points, int64_t dim, int64_t count) {
  return 3.0 * static_cast<double>(points) * static_cast<double>(dim) * static_cast<double>(count);
}
inline double greedy_k_center_bytes(int64_t points, int64_t dim, int64_t count) {
  return static_cast<double>(count) * static_cast<double>(points) * (4.0 * static_cast<double>(dim) + 8.0);
}

}  // namespace assay::kernels::ref
