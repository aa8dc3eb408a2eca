// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/knn/packed_bank.h"
#include "kernels/knn/test_banks.h"
#include "tests/support/guarded_buffer.h"
#include "tools/bench/case.h"

namespace assay::bench {
namespace {

using namespace assay::kernels;

PreparedCase prepare(int64_t num_rows, int64_t dim) {
  struct Bank {
    std::vector<float> rows;
    assay::testing::GuardedBuffer<float> panels;
    Bank(int64_t n, int64_t d)
        : rows(kernels::testing::random_rows(n, d, 1)),
          panels(packed_bank_bytes(n, d) / static_cast<int64_t>(sizeof(float)), 0) {}
  };
  const auto bank = std::make_shared<Bank>(num_rows, dim);
  const auto last_panel_holds = [=] {
    const int64_t row = num_rows - 1;
    const float* column = bank->panels.data() + row / kPanelRows * (dim + 1) * kPanelRows + row % kPanelRows;
    for (int64_t d = 0; d < dim; ++d) {
      if (column[(1 + d) * kPanelRows] != bank->rows[row * dim + d]) return false;
    }
    return true;
  };
  return {[=] { run(pack_bank, {bank->rows.data(), bank->panels.data(), num_rows, dim}); }, nullptr, last_panel_holds};
}

}  // namespace

std::vector<Case> packed_bank_cases() {
  const int64_t shapes[][2] = {{65536, 152}, {16384, 384}};
  std::vector<Case> cases;
  for (const auto& [rows, dim] : shapes) {
    const double floats = static_cast<double>(rows) * static_cast<double>(dim);
    cases.push_back({"pack_bank", std::to_string(rows) + "x" + std::to_string(dim), 2 * floats,
                     4 * floats + static_cast<double>(packed_bank_bytes(rows, dim)),
                     [r = rows, d = dim] { return prepare(r, d); }});
  }
  return cases;
}

}  // namespace assay::bench
