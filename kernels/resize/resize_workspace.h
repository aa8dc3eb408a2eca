// SPDX-License-Identifier: Apache-2.0
// How antialias_resize divides its workspace on either backend.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/resize/antialias_resize.h"
#include "kernels/resize/triangle_taps.h"

namespace assay::kernels {

// Hands out consecutive aligned pieces of a workspace that is aligned to nothing; with no workspace it only counts.
class WorkspacePieces {
 public:
  explicit WorkspacePieces(void* workspace) : base_(reinterpret_cast<uintptr_t>(workspace)) {}
  template <class T>
  T* take(int64_t count) {
    const uintptr_t begin = (base_ + used_ + kAlignment - 1) / kAlignment * kAlignment;
    used_ = begin - base_ + static_cast<size_t>(count) * sizeof(T);
    return reinterpret_cast<T*>(begin);
  }
  TriangleTaps take_taps(int64_t in, int64_t out) {
    TriangleTaps taps;
    taps.stride = triangle_taps_stride(in, out);
    taps.weights = take<int32_t>(out * taps.stride);
    taps.first = take<int32_t>(out);
    taps.num_taps = take<int32_t>(out);
    return taps;
  }
  // Bytes that a workspace of any alignment needs: the first piece moves up to its own.
  size_t bytes() const { return used_ + kAlignment; }

 private:
  static constexpr size_t kAlignment = 64;  // a cache line
  uintptr_t base_;
  size_t used_ = 0;
};

struct ResizeWorkspace {
  ResizeWorkspace(const AntialiasResizeArgs& a, int64_t images, WorkspacePieces& pieces)
      : columns(pieces.take_taps(a.width, a.out_width)),
        rows(pieces.take_taps(a.height, a.out_height)),
        narrowed(pieces.take<uint8_t>(images * a.height * a.out_width * a.channels)) {}

  TriangleTaps columns, rows;
  uint8_t* narrowed;  // (images, H, W2, C)
};

}  // namespace assay::kernels
