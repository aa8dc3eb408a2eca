// SPDX-License-Identifier: Apache-2.0
// Rules out, by bytes, the centres that cannot be nearer to a point than one it has seen (kernels/knn/byte_search.h has
// the bound): the nearest-neighbour search of a point among the centres, from a distance that it starts with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/coreset/greedy_k_center.h"
#include "kernels/knn/byte_codes.h"
#include "kernels/knn/byte_panel.h"

namespace assay::kernels {

class ByteCenters {
 public:
  static int64_t bytes(int64_t num_points, int64_t dim, int64_t count);

  // Encodes all points into memory of bytes(), aligned to 64 bytes, which must outlive it.
  ByteCenters(const GreedyKCenterArgs& args, void* memory);
  // False where the machine has no use for bytes, or a point is not finite or too long. Nothing else may be called
  // then.
  bool usable() const { return usable_; }

  // The next centre is this point.
  void add(int64_t point);

  // As see_centers for each of num_points points, in parallel, with every centre added; but a point is also shown
  // centres that it has seen or need not see.
  void show(const int32_t* points, int64_t num_points, float enough, float* minimum, int32_t* seen) const;

 private:
  static bool fit(int64_t num_points, int64_t dim);
  void show_group(const int32_t* points, int64_t count, float enough, float* minimum, int32_t* seen,
                  void* scratch) const;
  BytePanel panel(int64_t p) const { return BytePanel(panels_ + p * BytePanel::bytes(a_.dim)); }

  const GreedyKCenterArgs& a_;
  bool usable_ = false;
  int64_t num_centers_ = 0;
  std::byte* panels_ = nullptr;  // of centres
  int8_t* codes_ = nullptr;      // (N, byte_width)
  ByteRow* rows_ = nullptr;      // (N)
  float* starts_ = nullptr;      // (N): -|x|^2 / 2
};

}  // namespace assay::kernels
