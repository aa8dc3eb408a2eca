// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/byte_bank.h"

#include <atomic>
#include <cmath>
#include <vector>

#include "kernels/base/parallel.h"
#include "kernels/base/simd.h"
#include "kernels/knn/byte_codes.h"
#include "kernels/knn/byte_panel.h"
// simd.h comes first: it says which targets there are.
#include <hwy/targets.h>

namespace assay::kernels {
bool byte_banks_work() {
  static const bool vnni =
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  // SupportedTargets is less than the machine has where a test restricts it.
  return vnni && (hwy::SupportedTargets() & HWY_AVX3) != 0;
}

bool byte_bank_helps(int64_t rows, int64_t dim) {
  constexpr int64_t kMinDim = 48;       // below, bounds cost what the bytes save
  constexpr int64_t kMaxDim = 1 << 14;  // so that no sum of bytes overflows
  constexpr int64_t kMinRows = 512;     // below, most rows are looked at twice
  constexpr int64_t kMaxRows = int64_t{1} << 31;
  return byte_banks_work() && rows >= kMinRows && rows < kMaxRows && dim >= kMinDim && dim <= kMaxDim;
}

int64_t byte_bank_bytes(int64_t rows, int64_t dim) {
  return (rows + kPanelRows - 1) / kPanelRows * BytePanel::bytes(dim);
}

bool pack_byte_bank(const PackedBank& bank, std::byte* panels) {
  const int64_t num_panels = (bank.rows + kPanelRows - 1) / kPanelRows;
  std::atomic<bool> too_long{false};
  parallel_for(num_panels, 8, [&](int64_t begin, int64_t end) {
    std::vector<float> turned(byte_width(bank.dim));
    std::vector<int8_t> codes(byte_width(bank.dim));
    for (int64_t p = begin; p < end; ++p) {
      const float* start = bank.panels + p * (bank.dim + 1) * kPanelRows;
      const BytePanel panel(panels + p * BytePanel::bytes(bank.dim));
      panel.clear(bank.dim);
      for (int64_t r = 0; r < kPanelRows && p * kPanelRows + r < bank.rows; ++r) {
        if (!std::isfinite(start[r])) continue;  // no search takes it
        const float* x = bank.row_major + (p * kPanelRows + r) * bank.dim;
        const ByteRow row = encode_row(x, bank.dim, turned.data(), codes.data());
        if (!is_tame(row)) too_long = true;
        panel.put(r, row, start[r], codes.data(), bank.dim);
      }
    }
  });
  return !too_long;
}

}  // namespace assay::kernels
