// SPDX-License-Identifier: Apache-2.0
#include "kernels/knn/packed_bank.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/knn/nearest_neighbour_ref.h"
#include "kernels/knn/test_banks.h"
#include "tests/support/backend.h"

namespace assay::kernels {
namespace {

using testing::random_rows;
using testing::TestBank;

TEST_CASE("pack_bank lays out panels of 32 rows, feature by feature, and fills the last with rows nobody takes") {
  for (const int64_t dim : {1, 31, 32, 33, 70}) {
    for (const int64_t num_rows : {0, 1, 31, 32, 33, 97}) {
      CAPTURE(dim);
      CAPTURE(num_rows);
      const std::vector<float> rows = random_rows(num_rows, dim, 1);
      const TestBank packed(rows, dim);
      CHECK(packed.untouched());  // nothing beside the panels
      const std::vector<float>& panels = packed.panels();
      const int64_t panel_floats = (dim + 1) * kPanelRows;
      REQUIRE(static_cast<int64_t>(panels.size()) == (num_rows + 31) / 32 * panel_floats);
      int64_t wrong = 0;
      for (int64_t row = 0; row < (num_rows + 31) / 32 * 32; ++row) {
        const float* column = panels.data() + row / 32 * panel_floats + row % 32;
        if (row >= num_rows) {
          if (*column != -std::numeric_limits<float>::infinity()) ++wrong;
          for (int64_t d = 0; d < dim; ++d) wrong += column[(1 + d) * 32] != 0.0f;
          continue;
        }
        const double half_norm = -0.5 * std::pow(ref::norm(rows.data() + row * dim, dim), 2);
        if (!(std::fabs(*column - half_norm) <= 0x1p-23 * std::fabs(half_norm))) ++wrong;
        for (int64_t d = 0; d < dim; ++d) wrong += column[(1 + d) * 32] != rows[row * dim + d];
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("pack_bank gives the CPU's bits on every backend") {
  const std::vector<float> rows = random_rows(70, 45, 2);
  std::vector<float> panels(packed_bank_bytes(70, 45) / 4 + 16);
  float* aligned = panels.data();
  while (reinterpret_cast<uintptr_t>(aligned) % 64 != 0) ++aligned;
  run(pack_bank, PackBankArgs{rows.data(), aligned, 70, 45});
  const TestBank packed(rows, 45);
  CHECK(packed.panels() == std::vector<float>(aligned, aligned + packed_bank_bytes(70, 45) / 4));
}

}  // namespace
}  // namespace assay::kernels
